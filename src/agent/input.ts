/** Feeds what a program may read, and tells home how much of it the program has really taken. */

import type { BytePipe } from "../io/byte-pipe.js";
import { EDGE, native, OUT } from "../io/native.js";
import type { Lent } from "../io/relay.js";
import { Room, STREAMING_PIPE } from "../io/room.js";
import { notSoon, soon } from "../io/soon.js";
import { u64 } from "../mux/encode.js";
import { INPUT_WINDOW, Type } from "../mux/frame.js";
import { FileUse } from "../mux/open-file.js";
import type { Stream } from "../mux/stream.js";
import { type End, kindOf } from "./start.js";

const EAGAIN = -11;
/** Only of a full pipe we are told that it was read from, so others with unread bytes are looked at, ms. */
const LOOK_MS_MIN = 1;
const LOOK_MS_MAX = 32;
/** Credit goes home in portions of at least so many bytes, or after the next look. */
const BATCH = 32 * 1024;
/** After so many bytes the program streams, and its pipe may hold more. */
const STREAMING = 1024 * 1024;
const STREAM_BATCH = 128 * 1024;
/** A token of make's job server waits so long for the program to take it, ms. */
const TOKEN_MS = 10;
/** Home offers one at a time. */
const TOKENS_MAX = 64;

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
  /** Bytes that the program has read, as far as we know. */
  private consumed = 0;
  private written = 0;
  /** Home has taken from the caller what it sends: it need not know what the program reads before that ends. */
  private taken = false;
  /** It comes past us. */
  private lent: Lent | undefined;
  /** Nothing does any more. */
  private ours = false;
  private readonly queue: Buffer[] = [];
  private ending = false;
  private writing = true;
  private open = true;
  private wide = false;
  private readonly room = new Room();
  private readonly again = (): void => {
    if (this.open) this.write();
  };

  /** What a program that streams has taken is told after a moment, as long as it takes much. */
  private readonly tell = (): void => {
    const took = this.look(STREAM_BATCH);
    if (!this.open || this.written === this.consumed) return;
    if (took) soon(this.tell);
    else this.lookLater();
  };

  private readonly kind: "pipe" | "socket" | "other";
  private readonly tokens: boolean;
  /** When a token that nobody has taken goes back, performance.now(). */
  private backAt = 0;

  /** @param end - its own end is kept, so that what is unread can be counted */
  constructor(
    private readonly link: BytePipe,
    private readonly stream: Stream,
    private readonly end: End,
  ) {
    this.kind = kindOf(end.file);
    this.tokens = end.file.use === FileUse.TOKENS;
  }

  /** Bytes from home. */
  push(bytes: Buffer): void {
    if (!this.open) return;
    this.queue.push(bytes);
    this.write();
    // What is left of it is ours to keep.
    const last = this.queue.pop();
    if (last !== undefined) this.queue.push(Buffer.from(last));
  }

  /** The window at home has another size: whoever is in the foreground here is told by the kernel. */
  resize(window: Buffer): void {
    if (this.open && this.end.file.terminal !== undefined) native.setWindow(this.end.feed, window);
  }

  /** What comes from now on, and what has come, home has taken from the caller. */
  take(): void {
    if (this.taken || !this.open) return;
    this.taken = true;
    unread.delete(this);
    notSoon(this.tell);
    if (this.written > this.consumed) this.stream.handedOn(this.end.name, this.written - this.consumed);
    this.stream.widen(this.end.name, INPUT_WINDOW);
    if (!this.wide && this.kind === "pipe") this.widen();
    this.lend();
  }

  /** Home's end of file. */
  finish(): void {
    this.takeBack();
    this.ending = true;
    this.write();
  }

  /** Counts what the program has taken, and tells home of `least` bytes and more; true if it took something. */
  look(least = 1): boolean {
    if (!this.open || this.taken) return false;
    // A terminal's own end is not to be had: nobody else reads what was typed anyway.
    const left = this.end.theirs < 0 ? 0 : Math.max(native.readable(this.end.theirs), 0);
    const taken = this.written - left - this.consumed;
    if (taken > 0 && taken < least && !this.tokens) return false; // the next look tells
    if (taken > 0) {
      this.consumed += taken;
      this.stream.handedOn(this.end.name, taken);
    }
    if (left === 0) unread.delete(this);
    else if (this.tokens && performance.now() >= this.backAt) this.returnToken();
    return taken > 0 || this.tokens;
  }

  /** The program has ended. Returns how much it took in all. */
  close(): number {
    if (!this.open) return this.consumed;
    if (this.taken) {
      this.takeBack();
      const left = Math.max(native.readable(this.end.theirs), 0);
      this.consumed = this.written - left;
      this.stream.control(Type.OFFSET, u64(this.consumed), this.end.name);
    }
    this.look();
    if (this.tokens) this.returnToken();
    this.open = false;
    unread.delete(this);
    notSoon(this.tell);
    this.closeWriter();
    if (this.end.theirs >= 0) native.close(this.end.theirs);
    return this.consumed;
  }

  private write(): void {
    let moved = false;
    for (;;) {
      const next = this.queue[0];
      if (next === undefined || !this.writing) break;
      const n = this.kind === "other" ? this.type(next) : native.writeOwn(this.end.feed, [next]);
      if (n === EAGAIN || n === 0) break;
      if (n < 0) {
        this.refuse();
        return;
      }
      moved = true;
      this.written += n;
      if (this.taken) this.stream.handedOn(this.end.name, n);
      if (n === next.length) this.queue.shift();
      else this.queue[0] = next.subarray(n);
    }
    if (this.queue.length > 0 && moved && this.kind === "pipe" && this.written > STREAMING) this.writeSoon();
    else if (this.queue.length > 0) native.watch(this.end.feed, OUT, this.again);
    else if (this.ending) this.closeWriter();
    else if (this.writing && this.wide) native.unwatch(this.end.feed);
    else if (this.writing && moved) native.watch(this.end.feed, OUT | EDGE, () => this.look(BATCH));
    else if (this.writing) native.unwatch(this.end.feed);
    if (moved) this.wrote();
    if (moved) this.lend();
  }

  /** Lets what comes go past us from now on. */
  private readonly lend = (): void => {
    if (!this.taken || !this.writing || this.kind !== "pipe" || this.ours || this.lent !== undefined) return;
    const { name, feed } = this.end;
    this.lent = this.link.sink(this.stream, name, feed, this.queue, this.lend, () => this.takeBack());
    if (this.lent === undefined) return;
    this.queue.length = 0;
    native.unwatch(feed);
    notSoon(this.again);
  };

  private takeBack(): void {
    const { lent } = this;
    this.ours = true;
    if (lent === undefined) return;
    const rest = lent.end();
    this.lent = undefined;
    this.written += lent.count;
    if (rest.length > 0) this.push(rest);
  }

  /** The program has something to read: what it has taken is to be told. */
  private wrote(): void {
    if (this.taken) return;
    if (this.wide) {
      soon(this.tell);
      return;
    }
    if (!this.tokens) this.look(BATCH);
    this.lookLater();
  }

  private lookLater(): void {
    this.backAt = performance.now() + TOKEN_MS;
    unread.add(this);
    lookMs = LOOK_MS_MIN;
    lookSoon();
  }

  /** Woken for each few KiB that the program reads, we would take turns with it all the time. */
  private writeSoon(): void {
    if (!this.wide) this.widen();
    native.unwatch(this.end.feed);
    soon(this.again);
  }

  private widen(): void {
    this.wide = true;
    this.room.widen(this.end.feed, STREAMING_PIPE);
  }

  /** To a terminal, a little at a time. */
  private type(bytes: Buffer): number {
    return native.write(this.end.feed, "other", bytes);
  }

  /** A token that the program did not want, unless it takes it just now. */
  private returnToken(): void {
    const token = Buffer.alloc(TOKENS_MAX);
    const n = native.read(this.end.theirs, "pipe", token);
    if (n <= 0) return;
    this.written -= n;
    unread.delete(this);
    this.stream.handBack(this.end.name, token.subarray(0, n));
  }

  /** The pipe is broken: nobody will ever read the rest. */
  private refuse(): void {
    this.queue.length = 0;
    this.closeWriter();
  }

  private closeWriter(): void {
    if (!this.writing) return;
    this.writing = false;
    native.unwatch(this.end.feed);
    notSoon(this.again);
    this.room.end();
    if (this.kind === "socket") native.shutdown(this.end.feed, true);
    native.close(this.end.feed);
  }
}
