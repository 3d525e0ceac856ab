/** All jobs of one link over one byte pipe. Pure: bytes in, frames out; bytes to send are fetched with `take`. */
import { Buffer } from "node:buffer";
import { Decoder } from "./decode.js";
import { encodeFrame } from "./encode.js";
import { LinkFault } from "./errors.js";
import {
  type Frame,
  type FrameType,
  MORE,
  PAYLOAD_MAX,
  type Role,
  SPEC_MAX,
  STREAMS_MAX,
  Type,
} from "./frame.js";
import { type Outlet, Stream } from "./stream.js";

export interface LinkEvents {
  /** A frame of the link itself. */
  link(frame: Frame): void;
  /** Home opened a stream; set its onFrame. */
  opened(stream: Stream, spec: Buffer): void;
  /** There is something to `take`; called once until it was taken. */
  wake(): void;
  /** The same for what can wait a moment for company. Without it, it waits for whatever is next. */
  later?(): void;
  /** Sends a frame at once, after all that waits; false: it is to wait as well. Without it everything waits. */
  direct?(header: Buffer, payload: Buffer): boolean;
}

const EMPTY = Buffer.alloc(0);

export class Muxer implements Outlet {
  readonly streams = new Map<number, Stream>();
  /** Bytes of data queued and not taken: whoever reads from programs or files stops at a limit. */
  backlog = 0;
  private readonly decoder: Decoder;
  private readonly ahead: Buffer[] = [];
  /** Streams with something queued, served in turn. */
  private readonly turn: Stream[] = [];
  /** Specifications that have not arrived completely. */
  private readonly opening = new Map<number, Buffer[]>();
  private lastId = 0;
  private awake = false;

  constructor(
    private readonly role: Role,
    private readonly events: LinkEvents,
  ) {
    this.decoder = new Decoder(role === "home" ? "agent" : "home");
  }

  /** Takes bytes from the other end. @throws {LinkFault}: the link must be ended */
  receive(chunk: Buffer): void {
    this.decoder.push(chunk, (frame) => this.dispatch(frame));
  }

  /** Bytes that are to come of the frame in whose middle what was received ends; undefined: that cannot be said yet. */
  get rest(): number | undefined {
    return this.decoder.rest;
  }

  /** Home: opens a stream. */
  open(spec: Buffer): Stream {
    const stream = new Stream(++this.lastId, this.role, this);
    this.streams.set(stream.id, stream);
    let at = 0;
    do {
      const part = spec.subarray(at, at + PAYLOAD_MAX);
      at += part.length;
      stream.control(Type.OPEN, part, at < spec.length ? MORE : 0);
    } while (at < spec.length);
    return stream;
  }

  /** Sends a frame of the link itself. */
  sendLink(type: FrameType, payload: Uint8Array = EMPTY): void {
    this.control(encodeFrame(type, 0, 0, payload));
  }

  /** Agent: the last frame of a stream; it is forgotten here. */
  close(stream: Stream): void {
    stream.inOrder(Type.CLOSE);
    this.forget(stream);
  }

  /** About `limit` bytes to send now: control first, then one frame of each stream in turn. Empty = nothing left. */
  take(limit: number): Buffer[] {
    const out = this.ahead.splice(0);
    let bytes = 0;
    for (const piece of out) bytes += piece.length;
    while (bytes < limit) {
      const stream = this.turn.shift();
      const frame = stream?.queue.shift();
      if (stream === undefined || frame === undefined) break;
      out.push(frame);
      bytes += frame.length;
      this.backlog -= frame.length;
      if (stream.queue.length > 0) this.turn.push(stream);
    }
    if (this.turn.length === 0) this.awake = false;
    return out;
  }

  control(bytes: Buffer, later = false): void {
    this.ahead.push(bytes);
    if (!later) this.wake();
    else this.events.later?.();
  }

  ordered(stream: Stream, frame: Buffer): void {
    this.backlog += frame.length;
    if (stream.queue.push(frame) === 1) this.turn.push(stream);
    this.wake();
  }

  /** What can go at once is not copied. */
  data(stream: Stream, header: Buffer, payload: Buffer): void {
    const gone = this.turn.length === 0 && this.events.direct?.(header, payload) === true;
    if (!gone) this.ordered(stream, Buffer.concat([header, payload]));
  }

  private forget(stream: Stream): void {
    this.streams.delete(stream.id);
  }

  private wake(): void {
    if (this.awake) return;
    this.awake = true;
    this.events.wake();
  }

  private dispatch(frame: Frame): void {
    if (frame.stream === 0) this.events.link(frame);
    else if (frame.type === Type.OPEN) this.collect(frame);
    else this.deliver(frame);
  }

  private deliver(frame: Frame): void {
    const stream = this.streams.get(frame.stream);
    if (stream === undefined) {
      // Frames cross: home may write to a job that the agent closed a moment ago.
      if (frame.stream <= this.lastId) return;
      throw new LinkFault("stream", `stream ${frame.stream} was never opened`);
    }
    if (!stream.account(frame))
      throw new LinkFault("stream", `descriptor ${frame.flags} does not go this way`);
    if (frame.type === Type.CLOSE) this.forget(stream);
    stream.onFrame(frame);
  }

  private collect(frame: Frame): void {
    const { stream: id, payload } = frame;
    const parts = this.opening.get(id) ?? [];
    if (parts.length === 0) {
      if (id <= this.lastId) throw new LinkFault("order", `stream ${id} opened again`);
      if (this.streams.size + this.opening.size >= STREAMS_MAX)
        throw new LinkFault("stream", "too many streams");
      this.lastId = id;
    }
    parts.push(Buffer.from(payload)); // whoever reads it keeps parts of it
    if (frame.flags === MORE) {
      if (parts.length * PAYLOAD_MAX > SPEC_MAX) throw new LinkFault("length", "specification too long");
      if (payload.length !== PAYLOAD_MAX) throw new LinkFault("length", "part of a specification not full");
      this.opening.set(id, parts);
      return;
    }
    this.opening.delete(id);
    const stream = new Stream(id, this.role, this);
    this.streams.set(id, stream);
    this.events.opened(stream, Buffer.concat(parts));
  }
}
