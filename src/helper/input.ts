/**
 * Sends what a program may read ahead without taking it: what the program has read is taken from the caller's descriptor
 * when the agent says so, the rest stays for whoever reads it next.
 */

import type { BytePipe } from "../io/byte-pipe.js";
import { EDGE, IN, native } from "../io/native.js";
import { Room } from "../io/room.js";
import { notSoon, soon } from "../io/soon.js";
import { INPUT_WINDOW, MOVED_MIN, PAYLOAD_MAX, Type } from "../mux/frame.js";
import type { Stream } from "../mux/stream.js";
import type { Held } from "./descriptors.js";

const EAGAIN = -11;
const WAIT = -1000;
/** A terminal that a background job would read is looked at again after, ms. */
const BACKGROUND_MS = 50;
/** Bytes sent ahead at first: most programs read nothing, and those that do soon earn more. */
const AHEAD_FIRST = 16 * 1024;
/** A pipe that so much was read from shall hold a window, since only what is in it can be sent ahead. */
const STREAMING = 1024 * 1024;
/** A look into such a pipe goes through what was sent ahead, too: that pays when at least one part in so many is new. */
const PAYS = 4;
/** Looked at in one go, since each look begins with what was seen before. */
const scratch = Buffer.allocUnsafeSlow(4 * PAYLOAD_MAX);

export class Input {
  /** Bytes taken from the caller's descriptor. */
  taken = 0;
  private ahead = 0;
  private aheadMax = AHEAD_FIRST;
  private ended = false;
  private watched: "not" | "all" | "end" = "not";
  private wide = false;
  /** Nobody writes to the pipe any more. */
  private hungUp = false;
  private readonly room = new Room();
  /** Bytes in the pipe that were not sent, at the last look. */
  private fresh = 0;
  private waiting: NodeJS.Timeout | undefined;
  private readonly again = (): void => this.look();

  /**
   * @param taking - called before bytes are taken from the caller for the first time
   * @param mayRead - false: a terminal's input is for others now
   */
  constructor(
    private readonly link: BytePipe,
    private readonly stream: Stream,
    private readonly file: Held,
    private readonly taking: () => void,
    private readonly mayRead: () => boolean,
  ) {
    this.look();
  }

  /** The program has read so many bytes. */
  consumed(count: number): void {
    const first = this.taken === 0 && count > 0;
    this.taken += count;
    if (first) this.taking();
    this.ahead -= count;
    if (this.file.kind !== "tty") native.consume(this.file.readFd, this.file.kind, count);
    this.aheadMax = Math.min(this.aheadMax * 2, INPUT_WINDOW);
    if (this.file.kind === "pipe" && this.taken > STREAMING && !this.wide) this.widen();
    this.look();
  }

  private widen(): void {
    this.wide = true;
    this.room.widen(this.file.readFd, INPUT_WINDOW);
  }

  /** The program reads the file itself, and has come to this offset. */
  seek(offset: number): void {
    this.taken = Math.max(this.taken, 1);
    this.taking();
    native.seek(this.file.fd, offset);
  }

  /** The program needs no more input. */
  stop(): void {
    this.ended = true;
    clearTimeout(this.waiting);
    notSoon(this.again);
    this.room.end();
    this.unwatch();
  }

  private look(): void {
    clearTimeout(this.waiting);
    while (!this.ended) {
      const room = Math.min(
        this.stream.allowance(this.file.name),
        this.aheadMax - this.ahead,
        scratch.length,
      );
      if (room <= 0 || this.link.congested(this.again)) {
        this.unwatch();
        return;
      }
      const fresh = this.wide ? Math.max(native.readable(this.file.readFd) - this.ahead, 0) : 0;
      if (this.wide && !this.hungUp && PAYS * fresh < this.ahead) {
        this.watchEnd(); // or until the program has read some
        return;
      }
      const past = Math.min(fresh, room) >= MOVED_MIN ? this.movePast(room) : 0;
      if (past <= 0 && this.mayGrow(fresh)) {
        this.lookSoon();
        return;
      }
      const n = past > 0 ? past : this.next(scratch.subarray(0, room));
      if (n === WAIT) {
        this.unwatch();
        this.waiting = setTimeout(() => this.look(), BACKGROUND_MS);
        return;
      }
      if (n === EAGAIN) {
        this.watch();
        return;
      }
      if (n <= 0) {
        this.stop();
        this.stream.inOrder(Type.EOF, undefined, this.file.name);
        return;
      }
      this.ahead += n;
      this.fresh = 0;
      if (past <= 0) this.sendSeen(n);
    }
  }

  private sendSeen(count: number): void {
    for (let at = 0; at < count; at += PAYLOAD_MAX)
      this.stream.data(this.file.name, scratch.subarray(at, Math.min(at + PAYLOAD_MAX, count)));
  }

  /** Whether a pipe that streams has had something new since the last look, little as it is: then more will come in a moment. */
  private mayGrow(fresh: number): boolean {
    const before = this.fresh;
    this.fresh = fresh;
    return fresh !== before && fresh < MOVED_MIN;
  }

  /** Sends what is in a pipe from which much is read without copying it. Returns how much; anything else: not now. */
  private movePast(room: number): number {
    const { readFd, name } = this.file;
    return this.stream.move(name, room, (pipe, count) => native.peekInto(readFd, this.ahead, pipe, count));
  }

  /** Woken for each few KiB that come, we would send them in small pieces. */
  private lookSoon(): void {
    this.unwatch();
    soon(this.again);
  }

  private next(into: Buffer): number {
    const { readFd: fd, kind } = this.file;
    if (kind === "tty" && !this.mayRead()) return WAIT;
    return kind === "tty" ? native.read(fd, kind, into) : native.peek(fd, kind, this.ahead, into);
  }

  private watch(): void {
    if (this.watched === "all") return;
    this.watched = "all";
    // Bytes that were sent ahead are still there, so only a change is news.
    native.watch(this.file.readFd, IN | EDGE, () => this.look());
  }

  /** Only for the end: woken for all that comes, we would look at every few KiB. */
  private watchEnd(): void {
    if (this.watched === "end") return;
    this.watched = "end";
    native.watch(this.file.readFd, EDGE, () => {
      this.hungUp = true;
      this.unwatch();
      this.look();
    });
  }

  private unwatch(): void {
    if (this.watched !== "not") native.unwatch(this.file.readFd);
    this.watched = "not";
  }
}
