/** Carries a muxer's bytes over the two descriptors of a link, at either end. */
import { Buffer } from "node:buffer";
import { encodeFrame } from "../mux/encode.js";
import { type Role, Type } from "../mux/frame.js";
import { type LinkEvents, Muxer } from "../mux/muxer.js";
import type { Fill } from "../mux/stream.js";
import { LINK_PING_MS } from "./layout.js";
import { IN, native, OUT } from "./native.js";
import { Room } from "./room.js";
import { notSoon, soon } from "./soon.js";
import { Transit } from "./transit.js";

const EAGAIN = -11;
const EMPTY = new Uint8Array(0);
/** Bytes taken from the muxer at a time. */
const PORTION = 128 * 1024;
/** For whatever came last, on whichever link: nothing of it is kept. */
const incoming = Buffer.allocUnsafeSlow(256 * 1024);

/** Where so much has come between two looks, more will have come in a moment. */
const MUCH = 8 * 1024;
/** What each of the two ways holds once much streams through it, if they are pipes and we may have so much. */
const HOLDS = 1024 * 1024;
/** What can wait for company is sent after, ms. */
const LATER_MS = 10;
/** Let past us at one go before others get their turn. */
const ROUND = 256 * 1024;

export interface PipeEvents extends Omit<LinkEvents, "wake" | "later" | "direct" | "move" | "bypassed"> {
  /** The other end is gone or broke the rules; called once. */
  lost(why: string): void;
}

export class BytePipe {
  readonly mux: Muxer;
  /** performance.now() when the other end was last heard. */
  heardAt = performance.now();
  private spokeAt = performance.now();
  private over = false;
  private watched = false;
  private readonly inRoom = new Room();
  private readonly outRoom = new Room();
  private readonly again = (): void => this.read();
  private scheduled = false;
  private afterwards: NodeJS.Timeout | undefined;
  /** Taken from the muxer and not sent yet. */
  private rest: Buffer[] = [];
  /** Behind that: the payload of its last frame. */
  private readonly transit = new Transit();
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
      move: (fill, header) => this.move(fill, header),
      bypassed: () => this.inRoom.widen(this.input, HOLDS),
    });
  }

  /** Begins to read, with bytes that came before. */
  start(first: Buffer): void {
    if (first.length > 0) this.receive(first);
    if (!this.over) this.watch();
  }

  /** Says something if nothing was said for a while; call about every second. */
  beat(): void {
    const now = performance.now();
    native.vigilTick(now - this.heardAt);
    if (!this.over && now - this.spokeAt > LINK_PING_MS - 1000) this.mux.sendLink(Type.PING);
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
    if (this.mux.bypasses) this.readPast();
    else {
      this.watch();
      this.readSome(incoming);
    }
  }

  /** False: there is nothing now. */
  private readSome(into: Buffer): boolean {
    const n = native.readOwn(this.input, into);
    if (n > 0) this.receive(into.subarray(0, n));
    else if (n !== EAGAIN) this.end(n === 0 ? "the connection was closed" : `cannot be read (errno ${-n})`);
    return n > 0;
  }

  /** Reads up to where payloads begin, and lets those past us. */
  private readPast(): void {
    let went = 0;
    while (went < ROUND && !this.over) {
      const n = this.pass();
      const { wanted } = this.mux;
      if (n === 0 && !this.readSome(incoming.subarray(0, wanted))) break;
      went += n > 0 ? n : wanted;
    }
    if (this.over) return;
    // There may be more already, when others have had their turn.
    if (went >= MUCH && went < ROUND) this.readSoon();
    else this.watch();
  }

  /** Woken for each piece that comes, we would take turns with the other end all the time. */
  private readSoon(): void {
    if (this.watched) native.unwatch(this.input);
    this.watched = false;
    soon(this.again);
  }

  private watch(): void {
    if (this.watched) return;
    this.watched = true;
    native.watch(this.input, IN, () => this.read());
  }

  private pass(): number {
    let n = 0;
    try {
      n = this.mux.pass(this.input);
    } catch (error) {
      this.end(error instanceof Error ? error.message : String(error));
    }
    if (n > 0) this.heardAt = performance.now();
    return n;
  }

  private receive(chunk: Buffer): void {
    if (this.over) return;
    this.heardAt = performance.now();
    try {
      this.mux.receive(chunk);
    } catch (error) {
      this.end(error instanceof Error ? error.message : String(error));
    }
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
    const n = this.write([header, payload]);
    if (n < header.length + payload.length) this.block();
    if (n === header.length + payload.length || n === 0) this.release();
    if (n <= 0) return false;
    // The caller will use its buffer again.
    this.rest = after([header, payload], n).map((piece) => Buffer.from(piece));
    return true;
  }

  private move(fill: Fill, header: (length: number) => Buffer): number {
    this.flush();
    if (this.blocked || this.over) return 0;
    this.outRoom.widen(this.output, HOLDS);
    const n = this.transit.fill(fill);
    if (n <= 0) return n;
    this.rest = [header(n)];
    this.flush();
    return n;
  }

  private flush(): void {
    while (!this.isStuck()) {
      if (this.rest.length === 0 && this.transit.held > 0) this.drain();
      else if (!this.send()) break;
    }
    if (!this.isStuck()) this.release();
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
    const n = this.write(this.rest);
    this.rest = after(this.rest, n);
    if (this.rest.length > 0) this.block();
    return true;
  }

  private drain(): void {
    this.hold();
    const before = this.transit.held;
    const error = this.transit.drain(this.output);
    if (this.transit.held < before) this.spokeAt = performance.now();
    // Told by the ordinary way what is wrong, if it is.
    if (error !== 0) this.rest = [this.transit.rest()];
    else if (this.transit.held > 0) this.block();
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
      this.blocked = false;
      this.flush();
      this.resume();
    });
  }

  private end(why: string | undefined): void {
    if (this.over) return;
    this.over = true;
    notSoon(this.again);
    clearTimeout(this.afterwards);
    native.vigilLeave(this.output);
    native.close(this.input);
    native.close(this.output);
    this.transit.close();
    this.inRoom.end();
    this.outRoom.end();
    if (why !== undefined) this.events.lost(why);
  }
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
