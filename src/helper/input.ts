/**
 * Sends what a program may read ahead without taking it: what the program has read is taken from the caller's descriptor
 * when the agent says so, the rest stays for whoever reads it next. Where nobody can, since it is a pipe that only the stand-in
 * has, it is taken before it is sent, once much has come; a file's offset is set at the end then. That goes past us.
 */
import { readSync } from "node:fs";

import type { BytePipe } from "../io/byte-pipe.js";
import { EDGE, IN, native } from "../io/native.js";
import type { Lent } from "../io/relay.js";
import { Room } from "../io/room.js";
import { notSoon, soon } from "../io/soon.js";
import { INPUT_WINDOW, PAYLOAD_MAX, Type } from "../mux/frame.js";
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
/** What is new in a pipe that streams and less than so much will be more in a moment. */
const LITTLE = 16 * 1024;
/** After so many bytes of a pipe we look whether others have it, which takes some ms where there are many processes. */
const MUCH = 8 * 1024 * 1024;
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
  /** Whether bytes are taken before they are sent; "never": others may want them. */
  private takes: "not yet" | "yes" | "never" = "not yet";
  /** It goes past us. */
  private lent: Lent | undefined;
  /** Of a file: where the caller was, and where we read on. */
  private start = 0;
  private at = 0;
  private readonly again = (): void => this.look();

  /**
   * @param taking - called before bytes are taken from the caller for the first time
   * @param mayRead - false: a terminal's input is for others now
   * @param isAlone - nobody but the stand-in can read it
   */
  constructor(
    private readonly link: BytePipe,
    private readonly stream: Stream,
    private readonly file: Held,
    private readonly taking: () => void,
    private readonly mayRead: () => boolean,
    private readonly isAlone: () => boolean,
  ) {
    this.look();
  }

  /** The program has read so many bytes. */
  consumed(count: number): void {
    if (this.takes === "yes") {
      this.look(); // it is credit and nothing else
      return;
    }
    const first = this.taken === 0 && count > 0;
    this.taken += count;
    if (first) this.taking();
    this.ahead -= count;
    if (this.file.kind !== "tty") native.consume(this.file.readFd, this.file.kind, count);
    this.aheadMax = Math.min(this.aheadMax * 2, INPUT_WINDOW);
    if (this.file.kind === "pipe" && this.taken > STREAMING && !this.wide) this.widen();
    if (this.takes === "not yet" && this.taken > (this.file.kind === "file" ? STREAMING : MUCH)) this.take();
    this.look();
  }

  /** From now on bytes are taken before they are sent, and those that were sent are. */
  private take(): void {
    const { kind, name, fd, readFd } = this.file;
    this.takes = "never";
    if (kind === "pipe" && this.file.anonymous && this.isAlone()) {
      if (native.consume(readFd, kind, this.ahead) !== this.ahead) return;
      this.taken += this.ahead;
    } else if (kind === "file") {
      const offset = native.seek(fd, -1);
      if (offset < 0) return;
      this.start = offset - this.taken;
      this.at = offset + this.ahead;
    } else return;
    this.ahead = 0;
    this.takes = "yes";
    this.stream.control(Type.TAKEN, undefined, name);
  }

  private widen(): void {
    this.wide = true;
    this.room.widen(this.file.readFd, INPUT_WINDOW);
  }

  /** The program reads the file itself, and has come to this offset; or it has read so much of what was taken. */
  seek(offset: number): void {
    this.taken = Math.max(this.taken, 1);
    this.taking();
    if (this.file.kind === "file") native.seek(this.file.fd, this.start + offset);
  }

  /** The program needs no more input. */
  stop(): void {
    this.ended = true;
    this.takeBack();
    clearTimeout(this.waiting);
    notSoon(this.again);
    this.room.end();
    this.unwatch();
  }

  private takeBack(): void {
    const { lent } = this;
    if (lent === undefined) return;
    lent.end();
    this.lent = undefined;
    this.went(lent.count);
  }

  /** So many bytes that were taken are sent. */
  private went(count: number): void {
    if (this.file.kind === "file") this.at += count;
    else this.taken += count;
  }

  /** Has what is there taken and sent, past us if that is possible now. */
  private pass(): void {
    const { kind, name, readFd } = this.file;
    this.lent ??= this.link.source(this.stream, name, readFd, kind === "file" ? this.at : -1, () => {
      this.takeBack();
      this.readOn(); // which finds what it has found
    });
    if (this.lent === undefined) this.readOn();
    else this.unwatch();
  }

  private readOn(): void {
    while (!this.ended) {
      const room = Math.min(this.stream.allowance(this.file.name), PAYLOAD_MAX);
      if (room <= 0 || this.link.congested(this.again)) {
        this.unwatch();
        return;
      }
      const bytes = scratch.subarray(0, room);
      const n = this.file.kind === "file" ? this.readAt(bytes) : native.read(this.file.readFd, "pipe", bytes);
      if (n === EAGAIN) {
        this.watch();
        return;
      }
      if (n <= 0) {
        this.end();
        return;
      }
      this.went(n);
      this.stream.data(this.file.name, bytes.subarray(0, n));
    }
  }

  private readAt(into: Buffer): number {
    try {
      return readSync(this.file.readFd, into, 0, into.length, this.at);
    } catch {
      return 0;
    }
  }

  private end(): void {
    this.stop();
    this.stream.inOrder(Type.EOF, undefined, this.file.name);
  }

  private look(): void {
    if (this.takes === "yes") {
      if (!this.ended) this.pass();
      return;
    }
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
      if (this.mayGrow(fresh)) {
        this.lookSoon();
        return;
      }
      const n = this.next(scratch.subarray(0, room));
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
        this.end();
        return;
      }
      this.ahead += n;
      this.fresh = 0;
      this.sendSeen(n);
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
    return fresh !== before && fresh < LITTLE;
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
