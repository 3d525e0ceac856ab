/** Bytes to frames, however the bytes are cut. */
import { Buffer } from "node:buffer";
import { LinkFault } from "./errors.js";
import { type Frame, type FrameType, HEADER_SIZE, type Role, rules } from "./frame.js";

const EMPTY = Buffer.alloc(0);

/** Puts frames together and checks what can be checked without knowing the streams. */
export class Decoder {
  /** Bytes of an incomplete frame, in order. */
  private parts: Buffer[] = [];
  private held = 0;
  /** Size of the frame at the front, as far as known; a header until then. */
  private needed = HEADER_SIZE;

  /** @param from - who sends what is decoded here */
  constructor(private readonly from: Role) {}

  /**
   * Takes the next bytes and hands over every frame that they complete. Payloads share memory with `chunk` where they
   * lie in one piece.
   * @throws {LinkFault}
   */
  push(chunk: Buffer, each: (frame: Frame) => void): void {
    this.parts.push(chunk);
    this.held += chunk.length;
    while (this.held >= this.needed) {
      if (this.needed === HEADER_SIZE) {
        this.needed = HEADER_SIZE + this.check(this.front(HEADER_SIZE));
        if (this.needed > this.held) return;
      }
      const bytes = this.front(this.needed);
      const frame = decode(bytes, this.needed);
      this.drop(this.needed);
      this.needed = HEADER_SIZE;
      each(frame);
    }
  }

  /** The first part, made to hold at least `size` bytes. */
  private front(size: number): Buffer {
    let first = this.parts[0] ?? EMPTY;
    if (first.length < size) {
      first = Buffer.concat(this.parts, this.held);
      this.parts = [first];
    }
    return first;
  }

  private drop(size: number): void {
    const first = this.parts[0] ?? EMPTY;
    this.held -= size;
    if (first.length === size) this.parts.shift();
    else this.parts[0] = first.subarray(size);
  }

  /** Checks a header and returns the length of the payload. */
  private check(header: Buffer): number {
    const type = header[0] ?? 0;
    const flags = header[1] ?? 0;
    const stream = header.readUInt32LE(4);
    const length = header.readUInt32LE(8);
    const rule = rules.get(type);
    if (rule === undefined) throw new LinkFault("type", `unknown type ${type}`);
    if (rule.from !== "both" && rule.from !== this.from) {
      throw new LinkFault("type", `type ${type} does not come from ${this.from}`);
    }
    if (flags > rule.flags || header.readUInt16LE(2) !== 0) throw new LinkFault("flags", `type ${type}`);
    if (rule.link !== (stream === 0)) throw new LinkFault("stream", `type ${type} on stream ${stream}`);
    if (length < rule.min || length > rule.max)
      throw new LinkFault("length", `type ${type}, ${length} bytes`);
    return length;
  }
}

function decode(bytes: Buffer, size: number): Frame {
  return {
    type: bytes[0] as FrameType, // looked up in the rules before
    flags: bytes[1] ?? 0,
    stream: bytes.readUInt32LE(4),
    payload: size === HEADER_SIZE ? EMPTY : bytes.subarray(HEADER_SIZE, size),
  };
}
