/**
 * Lends tokens of make's job server to a far program. A token is anybody's who reads it first, so it is taken from the
 * pipe before it is offered, one at a time, and given back when the program did not want it.
 */
import { IN, native } from "../io/native.js";
import type { Stream } from "../mux/stream.js";
import type { Held } from "./descriptors.js";

const EAGAIN = -11;
/** After a token that came back the next one is offered later, ms: each time twice as late. */
const LATER_MS_MIN = 20;
const LATER_MS_MAX = 640;

export class Tokens {
  /** Tokens that the program took. */
  taken = 0;
  private offered: Buffer | undefined;
  private laterMs = LATER_MS_MIN;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private watched = false;

  /**
   * @param pipe - its reading end
   * @param back - its writing end
   * @param taking - called when a token was taken
   */
  constructor(
    private readonly stream: Stream,
    private readonly pipe: Held,
    private readonly back: Held,
    private readonly taking: () => void,
  ) {
    this.offer();
  }

  /** The program took what it was offered: it may want another. */
  consumed(count: number): void {
    this.taken += count;
    this.offered = undefined;
    this.taking();
    this.soon();
  }

  /** The program did not take it. */
  returned(bytes: Buffer): void {
    if (this.offered === undefined) return;
    this.giveBack(bytes);
    if (this.stopped) return;
    this.timer = setTimeout(() => this.offer(), this.laterMs);
    this.laterMs = Math.min(this.laterMs * 2, LATER_MS_MAX);
  }

  /** The program gave a token back: one of its jobs has ended, and the next one will want one. */
  soon(): void {
    this.laterMs = LATER_MS_MIN;
    if (this.offered === undefined) this.offer();
  }

  /** The program needs no more. What it took or let lie was told before its end: an offer that is open came too late for it. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.unwatch();
    if (this.offered !== undefined) this.giveBack(this.offered);
  }

  private offer(): void {
    clearTimeout(this.timer);
    if (this.stopped || this.offered !== undefined || this.stream.allowance(this.pipe.name) === 0) return;
    const token = Buffer.alloc(1);
    const n = native.read(this.pipe.fd, this.pipe.kind, token);
    if (n === EAGAIN) {
      this.watch();
      return;
    }
    this.unwatch();
    if (n !== 1) return;
    this.offered = token;
    this.stream.data(this.pipe.name, token);
  }

  private giveBack(bytes: Buffer): void {
    this.offered = undefined;
    native.write(this.back.fd, this.back.kind, bytes); // there is room: it was in there
  }

  private watch(): void {
    if (this.watched) return;
    this.watched = true;
    native.watch(this.pipe.fd, IN, () => this.offer());
  }

  private unwatch(): void {
    if (this.watched) native.unwatch(this.pipe.fd);
    this.watched = false;
  }
}
