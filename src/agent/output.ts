/** Carries what a program writes to one of its descriptors. */
import type { BytePipe } from "../io/byte-pipe.js";
import { IN, native } from "../io/native.js";
import type { Lent } from "../io/relay.js";
import { Room, STREAMING_PIPE } from "../io/room.js";
import { notSoon, soon } from "../io/soon.js";
import { PAYLOAD_MAX, Type } from "../mux/frame.js";
import type { Stream } from "../mux/stream.js";

/** Read at one go before others get their turn. */
const ROUND = 256 * 1024;
/** What a program wrote to its terminal has come after, ms, when another process keeps that open. */
const TERMINAL_MS = 50;
/** After so many bytes the program streams: its pipe may hold a window, so that it and we take turns less often. */
const STREAMING = 1024 * 1024;
/** One that writes so much between two looks will have written more in a moment. */
const MUCH = 8 * 1024;
const scratch = Buffer.allocUnsafe(PAYLOAD_MAX);

export class OutputPump {
  open = true;
  private watched = false;
  private pumped = 0;
  /** It streams, past us. */
  private lent: Lent | undefined;
  /** Nobody writes any more, or it cannot be read past us. */
  private ours = false;
  private readonly room = new Room();
  private readonly again = (): void => this.resume();
  /** Bytes still to be sent before the status may be; -1 = the program has not ended. */
  private owed = -1;

  /**
   * @param fd - the program's descriptor
   * @param readEnd - of its pipe, or a duplicate of our socket, non-blocking
   * @param changed - called when the pump closed, or has sent all that was owed
   */
  constructor(
    private readonly link: BytePipe,
    private readonly stream: Stream,
    private readonly fd: number,
    private readonly readEnd: number,
    private readonly kind: "pipe" | "socket" | "other",
    private readonly changed: () => void,
  ) {
    this.watch();
  }

  /** Home took bytes, or the link has room again. */
  resume(): void {
    if (this.open && !this.watched && this.lent === undefined) this.pump();
  }

  /** The program has ended: what is in the pipe now goes before its status. */
  settle(): void {
    if (!this.open) return;
    this.takeBack();
    this.owed = Math.max(native.readable(this.readEnd), 0);
    if (this.kind === "other") this.settleLater();
    this.pump();
  }

  /** A terminal hands over what was written only after a while; with nobody left to hold it, it ends by itself. */
  private settleLater(): void {
    this.owed = Number.POSITIVE_INFINITY;
    setTimeout(() => {
      this.owed = 0;
      this.changed();
    }, TERMINAL_MS);
  }

  /** Everything that the program wrote itself has been sent. */
  get settled(): boolean {
    return !this.open || this.owed === 0;
  }

  /** Nobody reads this any more: the program shall have its SIGPIPE. */
  close(): void {
    if (!this.open) return;
    this.open = false;
    this.takeBack();
    this.unwatch();
    notSoon(this.again);
    this.room.end();
    if (this.kind === "socket") native.shutdown(this.readEnd, false);
    native.close(this.readEnd);
  }

  /** Lets what a program that streams writes go past us from now on, until it ends. */
  private lend(): boolean {
    if (this.kind !== "pipe" || this.pumped <= STREAMING || this.owed >= 0 || this.ours) return false;
    this.room.widen(this.readEnd, STREAMING_PIPE);
    this.lent ??= this.link.source(this.stream, this.fd, this.readEnd, -1, () => {
      this.ours = true;
      this.takeBack();
      this.resume(); // which finds what it has found
    });
    return this.lent !== undefined;
  }

  private takeBack(): void {
    this.lent?.end();
    this.lent = undefined;
  }

  private pump(): void {
    let round = 0;
    if (this.lend()) {
      this.unwatch();
      return;
    }
    while (round < ROUND && this.open) {
      const room = this.stream.allowance(this.fd);
      if (room === 0 || this.link.congested(this.again)) {
        this.unwatch();
        return;
      }
      const n = native.readOwn(this.readEnd, scratch.subarray(0, Math.min(room, PAYLOAD_MAX)));
      if (n === -11) break;
      if (n <= 0) {
        this.close();
        // Our copy of the program's end is closed only when it has ended, so this was shutdown(2).
        if (this.kind === "socket" && this.owed < 0) this.stream.inOrder(Type.SHUT, undefined, this.fd);
        // Most programs end in the same moment, so that their status can go with it.
        if (this.owed < 0) this.stream.inOrderLater(Type.EOF, undefined, this.fd);
        else this.stream.inOrder(Type.EOF, undefined, this.fd);
        this.changed();
        return;
      }
      round += n;
      this.pumped += n;
      this.stream.data(this.fd, scratch.subarray(0, n));
      if (this.owed > 0) {
        this.owed = Math.max(this.owed - n, 0);
        if (this.owed === 0) this.changed();
      }
    }
    if (!this.open) return;
    // After a full round there may be more already, when others have had their turn.
    if (this.pumped > STREAMING && round >= MUCH && round < ROUND && this.owed < 0) this.lookSoon();
    else this.watch();
  }

  private lookSoon(): void {
    this.unwatch();
    soon(this.again);
  }

  private watch(): void {
    if (this.watched) return;
    this.watched = true;
    native.watch(this.readEnd, IN, () => this.pump());
  }

  private unwatch(): void {
    if (this.watched) native.unwatch(this.readEnd);
    this.watched = false;
  }
}
