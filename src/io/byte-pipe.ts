/** Carries a muxer's bytes over the two descriptors of a link, at either end. */
import { Buffer } from "node:buffer";
import { type Role, Type } from "../mux/frame.js";
import { type LinkEvents, Muxer } from "../mux/muxer.js";
import { LINK_PING_MS } from "./layout.js";
import { IN, native, OUT } from "./native.js";

const EAGAIN = -11;
/** Bytes taken from the muxer at a time. */
const PORTION = 128 * 1024;
/** For whatever came last, on whichever link: nothing of it is kept. */
const incoming = Buffer.allocUnsafeSlow(256 * 1024);

export interface PipeEvents extends Omit<LinkEvents, "wake" | "direct"> {
  /** The other end is gone or broke the rules; called once. */
  lost(why: string): void;
}

export class BytePipe {
  readonly mux: Muxer;
  /** performance.now() when the other end was last heard. */
  heardAt = performance.now();
  private spokeAt = performance.now();
  private over = false;
  private scheduled = false;
  /** Taken from the muxer and not sent yet. */
  private rest: Buffer[] = [];
  /** The other end does not take more for now. */
  private blocked = false;
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
    this.mux = new Muxer(role, {
      link: (frame) => events.link(frame),
      opened: (stream, spec) => events.opened(stream, spec),
      wake: () => this.schedule(),
      direct: (header, payload) => this.direct(header, payload),
    });
  }

  /** Begins to read, with bytes that came before. */
  start(first: Buffer): void {
    if (first.length > 0) this.receive(first);
    if (!this.over) native.watch(this.input, IN, () => this.read());
  }

  /** Says something if nothing was said for a while; call about every second. */
  beat(): void {
    if (!this.over && performance.now() - this.spokeAt > LINK_PING_MS - 1000) this.mux.sendLink(Type.PING);
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
    const n = native.readOwn(this.input, incoming);
    if (n > 0) this.receive(incoming.subarray(0, n));
    else if (n !== EAGAIN) this.end(n === 0 ? "the connection was closed" : `cannot be read (errno ${-n})`);
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
    if (n <= 0) return false;
    // The caller will use its buffer again.
    this.rest = after([header, payload], n).map((piece) => Buffer.from(piece));
    return true;
  }

  private flush(): void {
    while (!this.over && !this.blocked) {
      if (this.rest.length === 0) this.rest = this.mux.take(PORTION);
      if (this.rest.length === 0) break;
      const n = this.write(this.rest);
      this.rest = after(this.rest, n);
      if (this.rest.length > 0) this.block();
    }
    while (!this.over && !this.blocked) {
      const [first] = this.waiting;
      if (first === undefined) break;
      this.waiting.delete(first);
      first();
    }
  }

  /** Bytes that went; the link is over when it is broken. */
  private write(pieces: readonly Buffer[]): number {
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
    });
  }

  private end(why: string | undefined): void {
    if (this.over) return;
    this.over = true;
    native.close(this.input);
    native.close(this.output);
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
