/** Bytes to frames, however the bytes are cut. */
import { Buffer } from "node:buffer";
import { LinkFault } from "./errors.js";
import { type Frame, type FrameType, HEADER_SIZE, type Role, rules, Type } from "./frame.js";

const EMPTY = Buffer.alloc(0);

interface Header {
  readonly type: FrameType;
  readonly flags: number;
  readonly stream: number;
  readonly length: number;
}

/** Puts frames together and checks what can be checked without knowing the streams. */
export class Decoder {
  /** The frame whose bytes did not come in one piece: room for its header, or for all of it. */
  private cut: Buffer | undefined;
  private held = 0;
  /** DATA whose payload comes, and how much of that is to come. */
  private data: Header | undefined;
  private left = 0;

  /** @param from - who sends what is decoded here */
  constructor(private readonly from: Role) {}

  /**
   * Takes the next bytes and hands over every frame that they complete; of DATA what there is, as frames of their own,
   * so that nothing large is put together. Payloads may share memory with `chunk`.
   * @throws {LinkFault}
   */
  push(chunk: Buffer, each: (frame: Frame) => void): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.data !== undefined) at = this.pass(this.data, chunk, at, each);
      else if (this.cut !== undefined) at = this.mend(this.cut, chunk, at, each);
      else at = this.next(chunk, at, each);
    }
  }

  /** Bytes that are to come of the frame in whose middle we are; undefined while its header is not complete. */
  get rest(): number | undefined {
    if (this.data !== undefined) return this.left;
    if (this.cut === undefined) return 0;
    return this.held < HEADER_SIZE ? undefined : this.cut.length - this.held;
  }

  /** A frame that begins in `chunk`. Returns where to go on. */
  private next(chunk: Buffer, start: number, each: (frame: Frame) => void): number {
    const body = start + HEADER_SIZE;
    if (body > chunk.length) return this.keep(Buffer.allocUnsafe(HEADER_SIZE), chunk, start);
    const header = this.check(chunk, start);
    if (header.type === Type.DATA) return this.expect(header, body);
    const end = body + header.length;
    if (end > chunk.length) return this.keep(Buffer.allocUnsafe(HEADER_SIZE + header.length), chunk, start);
    each(frame(header, end === body ? EMPTY : chunk.subarray(body, end)));
    return end;
  }

  /** Goes on with a frame that began in an earlier chunk. */
  private mend(cut: Buffer, chunk: Buffer, start: number, each: (frame: Frame) => void): number {
    const at = this.keep(cut, chunk, start);
    if (this.held < cut.length) return at;
    const header = this.check(cut, 0);
    const size = HEADER_SIZE + header.length;
    if (header.type !== Type.DATA && cut.length < size) {
      this.cut = Buffer.allocUnsafe(size);
      cut.copy(this.cut);
      return at;
    }
    this.cut = undefined;
    this.held = 0;
    if (header.type === Type.DATA) return this.expect(header, at);
    each(frame(header, cut.subarray(HEADER_SIZE)));
    return at;
  }

  private keep(cut: Buffer, chunk: Buffer, start: number): number {
    const count = chunk.copy(cut, this.held, start);
    this.cut = cut;
    this.held += count;
    return start + count;
  }

  private expect(header: Header, at: number): number {
    this.data = header;
    this.left = header.length;
    return at;
  }

  /** What there is of a payload. */
  private pass(header: Header, chunk: Buffer, start: number, each: (frame: Frame) => void): number {
    const end = Math.min(chunk.length, start + this.left);
    this.left -= end - start;
    if (this.left === 0) this.data = undefined;
    each(frame(header, chunk.subarray(start, end)));
    return end;
  }

  private check(bytes: Buffer, at: number): Header {
    const type = bytes[at] ?? 0;
    const flags = bytes[at + 1] ?? 0;
    const stream = bytes.readUInt32LE(at + 4);
    const length = bytes.readUInt32LE(at + 8);
    const rule = rules.get(type);
    if (rule === undefined) throw new LinkFault("type", `unknown type ${type}`);
    if (rule.from !== "both" && rule.from !== this.from) {
      throw new LinkFault("type", `type ${type} does not come from ${this.from}`);
    }
    if (flags > rule.flags || bytes.readUInt16LE(at + 2) !== 0) throw new LinkFault("flags", `type ${type}`);
    if (rule.link !== (stream === 0)) throw new LinkFault("stream", `type ${type} on stream ${stream}`);
    if (length < rule.min || length > rule.max)
      throw new LinkFault("length", `type ${type}, ${length} bytes`);
    return { type: type as FrameType, flags, stream, length };
  }
}

function frame({ type, flags, stream }: Header, payload: Buffer): Frame {
  return { type, flags, stream, payload };
}
