/** Carries a muxer's bytes over the two descriptors of a link, at either end. */
import { Buffer } from "node:buffer";
import { encodeFrame } from "../mux/encode.js";
import { type Role, Type } from "../mux/frame.js";
import { type LinkEvents, Muxer } from "../mux/muxer.js";
import type { Stream } from "../mux/stream.js";
import { LINK_PING_MS } from "./layout.js";
import { IN, native, OUT } from "./native.js";
import { type Lent, Relay } from "./relay.js";
import { Room, STREAMING_PIPE } from "./room.js";

const EAGAIN = -11;
const EPROTO = 71;
const EMPTY = new Uint8Array(0);
/** Bytes taken from the muxer at a time. */
const PORTION = 128 * 1024;
/** For whatever came last, on whichever link: nothing of it is kept. */
const incoming = Buffer.allocUnsafeSlow(256 * 1024);

/** What can wait for company is sent after, ms. */
const LATER_MS = 10;

export interface PipeEvents extends Omit<LinkEvents, "wake" | "later" | "direct"> {
  /** The other end is gone or broke the rules; called once. */
  lost(why: string): void;
}

export class BytePipe {
  readonly mux: Muxer;
  private lastHeard = performance.now();
  private spokeAt = performance.now();
  private over = false;
  /** What came is being told, so that we are in the middle of it. */
  private receiving = false;
  /** Something is to stream. */
  private wanted = false;
  private relay: Relay | undefined;
  private readonly inRoom = new Room();
  private readonly outRoom = new Room();
  private scheduled = false;
  private afterwards: NodeJS.Timeout | undefined;
  /** Taken from the muxer and not sent yet. */
  private rest: Buffer[] = [];
  /** The other end does not take more for now. */
  private blocked = false;
  /** No vigil may speak on the output: a frame is half sent, or about to be. */
  private held = false;
  /** Pumps that wait for congestion to end. */
  private readonly waiting = new Set<() => void>();

  /**
   * @param input - non-blocking, and from now on the pipe's own
   * @param output - the same, another descriptor
   */
  constructor(
    role: Role,
    private readonly input: number,
    private readonly output: number,
    private readonly events: PipeEvents,
  ) {
    native.vigilJoin(output, encodeFrame(Type.PING, 0, 0, EMPTY), LINK_PING_MS);
    this.mux = new Muxer(role, {
      link: (frame) => events.link(frame),
      opened: (stream, spec) => events.opened(stream, spec),
      wake: () => this.schedule(),
      later: () => {
        this.afterwards ??= setTimeout(() => {
          this.afterwards = undefined;
          this.flush();
        }, LATER_MS);
      },
      direct: (header, payload) => this.direct(header, payload),
    });
  }

  /** Begins to read, with bytes that came before. */
  start(first: Buffer): void {
    if (first.length > 0) this.receive(first);
    if (!this.over) this.watch();
  }

  /** performance.now() when the other end was last heard. */
  get heardAt(): number {
    return this.relay === undefined ? this.lastHeard : performance.now() - this.relay.silentMs;
  }

  /**
   * Has what comes out of a pipe, or of a file from `at` on, sent as data of a stream, past us. Undefined: not now.
   * @param ended - nothing more comes, or it cannot be read: take it back and see
   */
  source(stream: Stream, fd: number, from: number, at: number, ended: () => void): Lent | undefined {
    return this.streams()?.source(stream, fd, from, at, ended);
  }

  /**
   * Has data of a stream put into a pipe of ours, or a file, past us. Undefined: not now.
   * @param came - what was received and not handed on; it goes first
   * @param again - called when it is time to try again, if that is soon
   * @param off - it cannot be written any more, or the link is over: take it back and see
   */
  sink(
    stream: Stream,
    fd: number,
    to: number,
    came: readonly Buffer[],
    again: () => void,
    off: () => void,
  ): Lent | undefined {
    const relay = this.streams();
    // What came is not all told yet: the rest of it goes before whatever comes next.
    if (this.receiving) relay?.hush(again);
    return this.receiving ? undefined : relay?.sink(stream, fd, to, came, again, off);
  }

  /** Says something if nothing was said for a while; call about every second. */
  beat(): void {
    const now = performance.now();
    native.vigilTick(now - this.heardAt);
    if (!this.over && now - this.spokeAt > LINK_PING_MS - 1000) this.mux.sendLink(Type.PING);
    if (this.relay?.leave() === true) {
      this.relay = undefined;
      this.held = false;
      this.lastHeard = now;
      this.watch();
    }
  }

  /** True: nothing can be sent for now; `resume` is called once when it can, and it is whoever waits longest. */
  congested(resume: () => void): boolean {
    if (this.blocked) this.waiting.add(resume);
    return this.blocked;
  }

  /** Ends the link from this side without telling `lost`. */
  close(): void {
    if (this.over) return;
    this.flush();
    this.end(undefined);
  }

  private read(): void {
    if (this.over) return;
    const n = native.readOwn(this.input, incoming);
    if (n > 0) this.receive(incoming.subarray(0, n));
    else if (n !== EAGAIN) this.end(n === 0 ? "the connection was closed" : `cannot be read (errno ${-n})`);
  }

  private watch(): void {
    native.watch(this.input, IN, () => this.read());
  }

  /** Gives the link to the thread that carries what streams, at the next moment in which that is possible. */
  private streams(): Relay | undefined {
    if (this.relay !== undefined || this.over) return this.relay;
    const { rest } = this.mux;
    this.wanted = this.receiving || rest === undefined;
    if (rest === undefined || this.wanted) return undefined;
    this.flush();
    if (this.isOver()) return undefined;
    this.inRoom.widen(this.input, STREAMING_PIPE);
    this.outRoom.widen(this.output, STREAMING_PIPE);
    this.relay = Relay.begin(this.input, this.output, rest, Buffer.concat(this.rest), {
      came: (bytes) => this.receive(bytes),
      room: () => this.unblock(),
      over: (error) => this.end(overWords(error)),
    });
    if (this.relay === undefined) return undefined;
    this.rest = [];
    native.unwatch(this.input);
    native.unwatch(this.output);
    return this.relay;
  }

  private receive(chunk: Buffer): void {
    if (this.over) return;
    this.lastHeard = performance.now();
    this.receiving = true;
    try {
      this.mux.receive(chunk);
    } catch (error) {
      this.end(error instanceof Error ? error.message : String(error));
    }
    this.receiving = false;
    if (this.wanted) this.streams();
  }

  /** One write for everything that one event gave rise to. */
  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    queueMicrotask(() => {
      this.scheduled = false;
      this.flush();
    });
  }

  private direct(header: Buffer, payload: Buffer): boolean {
    this.flush();
    if (this.blocked || this.over) return false;
    if (this.relay !== undefined) {
      this.pass(this.relay, [header, payload]);
      return true;
    }
    const n = this.write([header, payload]);
    if (n < header.length + payload.length) this.block();
    if (n === header.length + payload.length || n === 0) this.release();
    if (n <= 0) return false;
    // The caller will use its buffer again.
    this.rest = after([header, payload], n).map((piece) => Buffer.from(piece));
    return true;
  }

  private flush(): void {
    while (!this.isStuck()) if (!this.send()) break;
    if (!this.isStuck() && this.relay === undefined) this.release();
  }

  /** Whether it is now: to send may have ended it. */
  private isOver(): boolean {
    return this.over;
  }

  /** Nothing can be sent now. */
  private isStuck(): boolean {
    return this.over || this.blocked;
  }

  /** We are going to send: nobody else may. */
  private hold(): void {
    if (!this.held) native.vigilHold(this.output);
    this.held = true;
  }

  /** No frame is half sent. */
  private release(): void {
    if (this.held && !this.over) native.vigilRelease(this.output);
    this.held = false;
  }

  /** Never from within what a pump has called to send: others use the same buffer. */
  private resume(): void {
    while (!this.over && !this.blocked) {
      const [first] = this.waiting;
      if (first === undefined) break;
      this.waiting.delete(first);
      first();
    }
  }

  /** False: there is nothing to send. */
  private send(): boolean {
    if (this.rest.length === 0) this.rest = this.mux.take(PORTION);
    if (this.rest.length === 0) return false;
    if (this.relay !== undefined) {
      this.pass(this.relay, this.rest.splice(0));
      return true;
    }
    const n = this.write(this.rest);
    this.rest = after(this.rest, n);
    if (this.rest.length > 0) this.block();
    return true;
  }

  private pass(relay: Relay, pieces: readonly Buffer[]): void {
    this.spokeAt = performance.now();
    if (!relay.send(pieces)) this.blocked = true;
  }

  /** Bytes that went; the link is over when it is broken. */
  private write(pieces: readonly Buffer[]): number {
    this.hold();
    const n = native.writeOwn(this.output, pieces);
    if (n < 0 && n !== EAGAIN) this.end(`cannot be written (errno ${-n})`);
    if (n > 0) this.spokeAt = performance.now();
    return Math.max(n, 0);
  }

  private block(): void {
    if (this.blocked || this.over) return;
    this.blocked = true;
    native.watch(this.output, OUT, () => {
      native.unwatch(this.output);
      this.unblock();
    });
  }

  private unblock(): void {
    this.blocked = false;
    this.flush();
    this.resume();
  }

  private end(why: string | undefined): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.afterwards);
    this.relay?.end();
    native.vigilLeave(this.output);
    native.close(this.input);
    native.close(this.output);
    this.inRoom.end();
    this.outRoom.end();
    if (why !== undefined) this.events.lost(why);
  }
}

function overWords(error: number): string {
  if (error === 0) return "the connection was closed";
  return error === EPROTO ? "broke the rules of credit" : `cannot be read or written (errno ${error})`;
}

/** What is left of `pieces` behind the first `count` bytes. */
function after(pieces: readonly Buffer[], count: number): Buffer[] {
  let left = count;
  for (const [i, piece] of pieces.entries()) {
    if (left < piece.length) return [piece.subarray(left), ...pieces.slice(i + 1)];
    left -= piece.length;
  }
  return [];
}
