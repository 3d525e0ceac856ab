/** Carries a muxer's bytes over the two sockets or pipes of a link, at either end. */
import type { Readable, Writable } from "node:stream";
import { type Role, Type } from "../mux/frame.js";
import { type LinkEvents, Muxer } from "../mux/muxer.js";
import { LINK_PING_MS } from "./layout.js";

/** Bytes taken from the muxer at a time. */
const PORTION = 128 * 1024;
/** Writes below this size are put together. */
const JOIN = 16 * 1024;
/** Above so much queued data nobody should read more from a program or file. */
const CONGESTED = 1024 * 1024;

export interface PipeEvents extends Omit<LinkEvents, "wake"> {
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
  /** Pumps that wait for congestion to end. */
  private readonly waiting = new Set<() => void>();

  constructor(
    role: Role,
    private readonly input: Readable,
    private readonly output: Writable,
    private readonly events: PipeEvents,
  ) {
    this.mux = new Muxer(role, {
      link: (frame) => events.link(frame),
      opened: (stream, spec) => events.opened(stream, spec),
      wake: () => this.schedule(),
    });
    output.on("drain", () => this.flush());
    output.on("error", (error) => this.end(error.message));
    input.on("error", (error) => this.end(error.message));
    input.on("end", () => this.end("the connection was closed"));
    input.on("close", () => this.end("the connection was closed"));
  }

  /** Begins to read, with bytes that came before. */
  start(first: Buffer): void {
    if (first.length > 0) this.receive(first);
    if (!this.over) this.input.on("data", (chunk: Buffer) => this.receive(chunk));
  }

  /** Says something if nothing was said for a while; call about every second. */
  beat(): void {
    if (!this.over && performance.now() - this.spokeAt > LINK_PING_MS - 1000) this.mux.sendLink(Type.PING);
  }

  /** True: too much waits to be sent; `resume` is called once when more is welcome. */
  congested(resume: () => void): boolean {
    if (this.mux.backlog < CONGESTED) return false;
    this.waiting.add(resume);
    return true;
  }

  /** Ends the link from this side without telling `lost`. */
  close(): void {
    this.flush();
    this.over = true;
    this.output.end();
    this.input.destroy();
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
      if (!this.output.writableNeedDrain) this.flush();
    });
  }

  private flush(): void {
    while (!this.over && !this.output.writableNeedDrain) {
      const pieces = this.mux.take(PORTION);
      if (pieces.length === 0) break;
      this.spokeAt = performance.now();
      let bytes = 0;
      for (const piece of pieces) bytes += piece.length;
      if (bytes <= JOIN)
        this.output.write(pieces.length === 1 ? (pieces[0] ?? "") : Buffer.concat(pieces, bytes));
      else this.writeAll(pieces);
    }
    if (this.waiting.size > 0 && this.mux.backlog < CONGESTED / 2) {
      const waiting = [...this.waiting];
      this.waiting.clear();
      for (const resume of waiting) resume();
    }
  }

  private writeAll(pieces: readonly Buffer[]): void {
    this.output.cork();
    for (const piece of pieces) this.output.write(piece);
    this.output.uncork();
  }

  private end(why: string): void {
    if (this.over) return;
    this.over = true;
    this.input.destroy();
    this.output.destroy();
    this.events.lost(why);
  }
}
