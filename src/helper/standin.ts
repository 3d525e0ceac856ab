/** One connection of a stand-in (or of any client that asks): messages in, messages out. */
import { decodeMsg, decodeRun, encodeMsg, FDS_MAX, MSG_HEADER, Msg, type Run } from "../io/layout.js";
import { IN, native, OUT } from "../io/native.js";
import { trace } from "../io/trace.js";

export interface StandInEvents {
  run(standIn: StandIn, run: Run, fds: readonly number[]): void;
  query(standIn: StandIn): void;
  /** A signal to hand on: number | 0x100 from the terminal. */
  signal(standIn: StandIn, value: number): void;
  /** The client went away; descriptors that it sent are not closed here once `run` was called. */
  gone(standIn: StandIn): void;
}

const EAGAIN = -11;
const scratch = Buffer.allocUnsafe(64 * 1024);
const EMPTY = Buffer.alloc(0);

export class StandIn {
  private inbox: Buffer = EMPTY;
  private fds: number[] = [];
  private outbox: Buffer = EMPTY;
  private open = true;
  private ran = false;
  /** Messages sent to the client. */
  private said = 0;

  constructor(
    private readonly fd: number,
    /** Pid of the peer. */
    readonly pid: number,
    /** Has the groups that prexd has. */
    readonly sameGroups: boolean,
    private readonly events: StandInEvents,
  ) {
    trace?.("accepted");
    native.watch(fd, IN, () => this.receive());
    this.receive();
  }

  /** False: the client is gone. A client that does not read is fed as it reads. */
  send(type: number, value = 0, payload: Uint8Array = EMPTY): boolean {
    return this.write(encodeMsg(type, value, payload));
  }

  /** Sends several messages in one go. */
  write(bytes: Buffer): boolean {
    if (!this.open) return false;
    this.said++;
    if (this.outbox.length > 0) {
      this.outbox = Buffer.concat([this.outbox, bytes]);
      return true;
    }
    const n = native.send(this.fd, bytes);
    if (n < 0 && n !== EAGAIN) {
      this.close();
      return false;
    }
    const taken = Math.max(n, 0);
    if (taken < bytes.length) {
      this.outbox = bytes.subarray(taken);
      native.watch(this.fd, IN | OUT, (events) => this.ready(events));
    }
    return true;
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    native.close(this.fd);
    for (const fd of this.fds) native.close(fd);
    this.fds = [];
    this.inbox = EMPTY;
  }

  private ready(events: number): void {
    if ((events & OUT) !== 0 && this.outbox.length > 0) {
      const rest = this.outbox;
      this.outbox = EMPTY;
      native.watch(this.fd, IN, () => this.receive());
      this.write(rest);
    }
    if (this.open && (events & ~OUT) !== 0) this.receive();
  }

  private receive(): void {
    while (this.open) {
      const { n, fds } = native.receive(this.fd, scratch);
      if (n === EAGAIN) return;
      this.fds.push(...fds);
      if (n <= 0 || this.fds.length > FDS_MAX) {
        this.hangUp();
        return;
      }
      this.inbox = Buffer.concat([this.inbox, scratch.subarray(0, n)]);
      this.parse();
      if (n < scratch.length) return;
    }
  }

  private parse(): void {
    while (this.open && this.inbox.length >= MSG_HEADER) {
      const header = decodeMsg(this.inbox);
      if (header === null) {
        this.hangUp();
        return;
      }
      const end = MSG_HEADER + header.length;
      if (this.inbox.length < end) return;
      const payload = this.inbox.subarray(MSG_HEADER, end);
      this.inbox = this.inbox.subarray(end);
      if (!this.handle(header.type, header.value, payload)) {
        this.hangUp();
        return;
      }
    }
  }

  /** False: not a message that a client may send now. */
  private handle(type: number, value: number, payload: Buffer): boolean {
    if (type === Msg.HELLO) return this.send(Msg.READY);
    if (type === Msg.QUERY) {
      this.events.query(this);
      return true;
    }
    if (type === Msg.SIGNAL && this.ran) {
      this.events.signal(this, value);
      return true;
    }
    const run = type === Msg.RUN && !this.ran ? decodeRun(payload) : null;
    if (run === null || run.fds.length !== this.fds.length) return false;
    this.ran = true;
    trace?.("asked to run");
    const fds = this.fds;
    this.fds = [];
    const said = this.said;
    this.events.run(this, run, fds);
    // STARTED and HERE say as much: one wake-up less for the client.
    return this.said > said || this.send(Msg.READY);
  }

  private hangUp(): void {
    if (!this.open) return;
    this.close();
    this.events.gone(this);
  }
}
