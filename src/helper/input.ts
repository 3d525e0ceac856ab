/**
 * Sends the caller's stdin ahead without taking it: what the program has read is taken from the caller's descriptor
 * when the agent says so, the rest stays for whoever reads it next.
 */

import type { BytePipe } from "../io/byte-pipe.js";
import { EDGE, type FdKind, IN, native } from "../io/native.js";
import { PAYLOAD_MAX, Type, WINDOW } from "../mux/frame.js";
import type { Stream } from "../mux/stream.js";

const EAGAIN = -11;
/** Bytes sent ahead at first: most programs read nothing, and those that do soon earn more. */
const AHEAD_FIRST = 16 * 1024;
const scratch = Buffer.allocUnsafe(PAYLOAD_MAX);

export class Input {
  /** Bytes taken from the caller's descriptor. */
  taken = 0;
  private ahead = 0;
  private aheadMax = AHEAD_FIRST;
  private ended = false;
  private watched = false;

  /** @param taking - called before bytes are taken for the first time */
  constructor(
    private readonly link: BytePipe,
    private readonly stream: Stream,
    private readonly fd: number,
    private readonly kind: FdKind,
    private readonly taking: () => void,
  ) {
    this.look();
  }

  /** The program has read so many bytes. */
  consumed(count: number): void {
    if (this.taken === 0 && count > 0) this.taking();
    this.taken += count;
    this.ahead -= count;
    if (this.kind !== "tty") native.consume(this.fd, this.kind, count);
    this.aheadMax = Math.min(this.aheadMax * 2, WINDOW);
    this.look();
  }

  /** The program needs no more input. */
  stop(): void {
    this.ended = true;
    this.unwatch();
  }

  private look(): void {
    while (!this.ended) {
      const room = Math.min(this.stream.allowance(0), this.aheadMax - this.ahead, PAYLOAD_MAX);
      if (room <= 0 || this.link.congested(() => this.look())) {
        this.unwatch();
        return;
      }
      const n = this.next(scratch.subarray(0, room));
      if (n === EAGAIN) {
        this.watch();
        return;
      }
      if (n <= 0) {
        this.stop();
        this.stream.inOrder(Type.EOF);
        return;
      }
      this.ahead += n;
      this.stream.data(0, Buffer.from(scratch.subarray(0, n)));
    }
  }

  private next(into: Buffer): number {
    if (this.kind === "tty") return native.read(this.fd, this.kind, into);
    return native.peek(this.fd, this.kind, this.ahead, into);
  }

  private watch(): void {
    if (this.watched) return;
    this.watched = true;
    // Bytes that were sent ahead are still there, so only a change is news.
    native.watch(this.fd, IN | EDGE, () => this.look());
  }

  private unwatch(): void {
    if (this.watched) native.unwatch(this.fd);
    this.watched = false;
  }
}
