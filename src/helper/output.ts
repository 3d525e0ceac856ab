/** Hands a program's output on to one of the caller's descriptors, as fast as that takes it. */
import { type FdKind, native, OUT } from "../io/native.js";
import type { Lent } from "../io/relay.js";
import { Room, STREAMING_PIPE } from "../io/room.js";
import { notSoon, soon } from "../io/soon.js";
import type { Held } from "./descriptors.js";

const ENXIO = -6;
const EAGAIN = -11;
const EPIPE = -32;
/**
 * A pipe through which so much has gone may hold a window, so that its reader and we take turns less often; and what follows goes
 * past us.
 */
const STREAMING = 1024 * 1024;
/** A reader that takes so much between two looks will have taken more in a moment. */
const MUCH = 8 * 1024;

/** Most programs are over before, ms. */
const REST_MS = 20;
const resting = new Set<Output>();
let timer: NodeJS.Timeout | undefined;

/** Watches for the end of a reader after a moment; one timer for all of them. */
function restLater(output: Output): void {
  resting.add(output);
  timer ??= setTimeout(() => {
    timer = undefined;
    const all = [...resting];
    resting.clear();
    for (const each of all) each.watchReader();
  }, REST_MS);
}

export interface OutputEvents {
  /**
   * Much is coming: it may go past us, into this pipe or file. Undefined: not now.
   * @param came - what was not written yet; it goes first
   * @param again - called when it is time to try again, if that is soon
   * @param off - take it back, and see
   */
  streams(to: number, came: readonly Buffer[], again: () => void, off: () => void): Lent | undefined;
  /** So many bytes were written (or nobody wants them). */
  handedOn(count: number): void;
  /** Everything that came so far was written. */
  empty(): void;
  /** Nobody will read this descriptor any more. */
  broken(): void;
}

export class Output {
  private written = 0;
  private queue: Buffer[] = [];
  private dead = false;
  /** For room, or for nothing but the end of its reader. */
  private watched: "not" | "room" | "reader" = "not";
  private readonly fd: number;
  private readonly kind: FdKind;
  private readonly readerEnds: boolean;
  private shutting = false;
  /** A non-blocking description of the caller's pipe; -1: not opened, or not to be had. */
  private own = -1;
  private wide = false;
  private readonly room = new Room();
  private lent: Lent | undefined;
  /** Nothing goes past us any more. */
  private ours = false;
  private readonly again = (): void => this.write();
  private readonly retry = (): void => this.lend();

  /** @param skip - bytes that an earlier run delivered already */
  constructor(
    { fd, kind, anonymous }: Pick<Held, "fd" | "kind" | "anonymous">,
    private skip: number,
    private readonly events: OutputEvents,
  ) {
    this.fd = fd;
    this.kind = kind;
    this.written = skip;
    this.readerEnds = anonymous; // a named one may have its next reader later
    this.rest();
  }

  get idle(): boolean {
    return this.queue.length === 0 && (this.lent === undefined || this.lent.waiting === 0);
  }

  /** Bytes written since the job began, over all its runs. */
  get delivered(): number {
    return this.written + (this.lent?.count ?? 0);
  }

  /** Whatever comes is ours to write from now on, and with it what came and was not written. */
  takeBack(): void {
    const { lent } = this;
    this.ours = true;
    if (lent === undefined) return;
    const rest = lent.end();
    this.lent = undefined;
    this.written += lent.count;
    if (rest.length > 0) this.push(rest);
  }

  push(bytes: Buffer): void {
    let rest = bytes;
    if (this.skip > 0) {
      const skipped = Math.min(this.skip, rest.length);
      this.skip -= skipped;
      rest = rest.subarray(skipped);
      this.events.handedOn(skipped);
    }
    if (this.dead) this.events.handedOn(rest.length);
    else if (rest.length > 0 && this.queue.push(rest) === 1) {
      this.write();
      // What is left of it is ours to keep.
      if (this.queue[0] !== undefined) this.queue[0] = Buffer.from(this.queue[0]);
    } else if (rest.length > 0) this.queue[this.queue.length - 1] = Buffer.from(rest);
  }

  /** The program has said so to the other end of a socket: it is told when all that came before is written. */
  shut(): void {
    this.shutting = true;
    if (this.idle) this.shutDown();
  }

  /** No more of this run; the descriptor itself belongs to the job. */
  stop(): void {
    this.dead = true;
    this.takeBack();
    this.queue = [];
    resting.delete(this);
    this.unwatch();
    notSoon(this.again);
    this.room.end();
    if (this.own >= 0) native.close(this.own);
    this.own = -1;
  }

  private write(): void {
    let written = 0;
    let error = 0;
    for (let next = this.queue[0]; next !== undefined; next = this.queue[0]) {
      const n = this.put(next);
      if (n < 0) {
        error = n;
        break;
      }
      written += n;
      if (n === next.length) this.queue.shift();
      else this.queue[0] = next.subarray(n);
      if (n === 0) break;
    }
    this.written += written;
    if (!this.wide && this.written > STREAMING) this.widen();
    if (written > 0) this.events.handedOn(written);
    if (error !== 0 && error !== EAGAIN) this.breakOff();
    else if (this.queue.length > 0 && this.own >= 0 && this.wide && written >= MUCH) this.writeSoon();
    else if (this.queue.length > 0) this.watch("room");
    else this.rest();
    if (written > 0 && this.wide) this.lend();
    if (this.idle && this.shutting) this.shutDown();
    if (this.idle) this.events.empty();
  }

  /** Woken for each few KiB that the reader takes, we would take turns with it all the time. */
  private writeSoon(): void {
    this.unwatch();
    soon(this.again);
  }

  private put(bytes: Buffer): number {
    if (this.kind !== "pipe") return native.write(this.fd, this.kind, bytes);
    if (this.own < 0) this.own = native.reopen(this.fd);
    if (this.own >= 0) return native.writeOwn(this.own, [bytes]);
    return this.own === ENXIO ? EPIPE : native.write(this.fd, this.kind, bytes);
  }

  private widen(): void {
    this.wide = true;
    if (this.own >= 0) this.room.widen(this.own, STREAMING_PIPE);
  }

  private lend(): void {
    const to = this.kind === "file" ? this.fd : this.own;
    if (to < 0 || this.dead || this.skip > 0 || this.ours || this.lent !== undefined) return;
    this.lent = this.events.streams(to, this.queue, this.retry, () => this.takeBack());
    if (this.lent === undefined) return;
    this.queue = [];
    notSoon(this.again);
    this.rest();
  }

  private shutDown(): void {
    this.shutting = false;
    if (this.kind === "socket" && !this.dead) native.shutdown(this.fd, true);
  }

  private breakOff(): void {
    const { lent } = this;
    const rest = lent?.end();
    this.lent = undefined;
    this.written += lent?.count ?? 0;
    let left = rest?.length ?? 0;
    for (const bytes of this.queue) left += bytes.length;
    this.stop();
    this.events.handedOn(left);
    this.events.broken();
  }

  /** A program may wait for the end of its reader, as `tail -f` does, and write nothing meanwhile. */
  private rest(): void {
    if (!this.readerEnds) this.unwatch();
    else if (this.watched === "not") restLater(this);
    else this.watch("reader");
  }

  /** It has rested for a while. */
  watchReader(): void {
    if (!this.dead && this.queue.length === 0) this.watch("reader");
  }

  private watch(wanted: "room" | "reader"): void {
    if (this.watched === wanted) return;
    this.watched = wanted;
    if (wanted === "room") native.watch(this.fd, OUT, () => this.write());
    else native.watch(this.fd, 0, () => this.breakOff());
  }

  private unwatch(): void {
    if (this.watched !== "not") native.unwatch(this.fd);
    this.watched = "not";
  }
}
