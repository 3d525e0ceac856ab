/** Feeds a program's stdin, and tells home how much of it the program has really taken. */
import { EDGE, native, OUT } from "../io/native.js";
import type { Stream } from "../mux/stream.js";

const EAGAIN = -11;
/** Only of a full pipe we are told that it was read from, so others with unread bytes are looked at, ms. */
const LOOK_MS_MIN = 1;
const LOOK_MS_MAX = 32;

/** All pumps whose program has bytes to read; one timer for them. */
const unread = new Set<InputPump>();
let lookMs = LOOK_MS_MIN;
let timer: NodeJS.Timeout | undefined;

function lookSoon(): void {
  timer ??= setTimeout(() => {
    timer = undefined;
    let moved = false;
    for (const pump of unread) moved = pump.look() || moved;
    lookMs = moved ? LOOK_MS_MIN : Math.min(lookMs * 2, LOOK_MS_MAX);
    if (unread.size > 0) lookSoon();
  }, lookMs);
}

export class InputPump {
  /** Bytes that the program has read. */
  consumed = 0;
  private written = 0;
  private readonly queue: Buffer[] = [];
  private ending = false;
  private writing = true;
  private open = true;

  /**
   * @param readEnd - of the program's pipe, kept so that what is unread can be counted
   * @param writeEnd - non-blocking
   */
  constructor(
    private readonly stream: Stream,
    private readonly readEnd: number,
    private readonly writeEnd: number,
  ) {}

  /** Bytes from home. */
  push(bytes: Buffer): void {
    if (!this.open) return;
    this.queue.push(bytes);
    this.write();
  }

  /** Home's end of file. */
  end(): void {
    this.ending = true;
    this.write();
  }

  /** Counts what the program has taken; true if it took something. */
  look(): boolean {
    if (!this.open) return false;
    const left = Math.max(native.readable(this.readEnd), 0);
    const taken = this.written - left - this.consumed;
    if (taken > 0) {
      this.consumed += taken;
      this.stream.handedOn(0, taken);
    }
    if (left === 0) unread.delete(this);
    return taken > 0;
  }

  /** The program has ended. Returns how much it took in all. */
  close(): number {
    if (!this.open) return this.consumed;
    this.look();
    this.open = false;
    unread.delete(this);
    this.closeWriter();
    native.close(this.readEnd);
    return this.consumed;
  }

  private write(): void {
    let moved = false;
    for (;;) {
      const next = this.queue[0];
      if (next === undefined || !this.writing) break;
      const n = native.write(this.writeEnd, "pipe", next);
      if (n === EAGAIN || n === 0) break;
      if (n < 0) {
        this.refuse();
        return;
      }
      moved = true;
      this.written += n;
      if (n === next.length) this.queue.shift();
      else this.queue[0] = next.subarray(n);
    }
    if (this.queue.length > 0) native.watch(this.writeEnd, OUT, () => this.write());
    else if (this.ending) this.closeWriter();
    else if (this.writing && moved) native.watch(this.writeEnd, OUT | EDGE, () => this.look());
    else if (this.writing) native.unwatch(this.writeEnd);
    if (moved) {
      unread.add(this);
      lookMs = LOOK_MS_MIN;
      lookSoon();
    }
  }

  /** The pipe is broken: nobody will ever read the rest. */
  private refuse(): void {
    this.queue.length = 0;
    this.closeWriter();
  }

  private closeWriter(): void {
    if (!this.writing) return;
    this.writing = false;
    native.unwatch(this.writeEnd);
    native.close(this.writeEnd);
  }
}
