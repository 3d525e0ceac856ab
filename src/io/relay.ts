/**
 * What streams through a link goes past us: the addon carries it on a thread of its own (native/addon/relay.h), and hands us every
 * other frame. A link is given to it as long as some descriptor streams.
 */
import { Buffer } from "node:buffer";
import { LinkFault } from "../mux/errors.js";
import type { Stream } from "../mux/stream.js";
import { EDGE, IN, native, type RelayNews } from "./native.js";
import { Room } from "./room.js";

/** What is on its way from a source to the link, at most. */
const TRANSIT = 256 * 1024;
/** Where so much waits to be sent, others do not add to it. */
const WAITING_MAX = 256 * 1024;
const What = { ENDED: 0, OFF: 1, ROOM: 2, OVER: 3, QUIET: 4 } as const;

/** A descriptor that the thread has. */
export interface Lent {
  /** Bytes that went since it was lent. */
  readonly count: number;
  /** Of those that came, how many are not delivered. */
  readonly waiting: number;
  /** Takes it back. What came and was not delivered is ours to deliver, and not handed on yet. */
  end(): Buffer;
}

export interface RelayEvents {
  /** Bytes came that are not data for a sink. */
  came(bytes: Buffer): void;
  /** All that was sent has gone. */
  room(): void;
  /** The link is over: 0 = the other end closed it, else errno. */
  over(error: number): void;
}

const relays = new Set<Relay>();
let notice = -1;

/** Tells all links what they have got. */
function look(): void {
  for (const relay of [...relays]) relay.look();
}

function join(relay: Relay): void {
  relays.add(relay);
  if (relays.size === 1) native.watch(notice, IN | EDGE, look);
}

function part(relay: Relay): void {
  relays.delete(relay);
  if (relays.size === 0) native.unwatch(notice);
}

export class Relay {
  private readonly room = new Room();
  /** Sinks that are to be once the thread has handed over what came before. */
  private readonly hopeful = new Set<() => void>();
  private readonly lent = new Map<string, { ended: () => void; end: () => Buffer; came: boolean }>();

  private constructor(
    private readonly link: number,
    private readonly transit: readonly [out: number, into: number],
    private readonly events: RelayEvents,
  ) {
    this.room.widen(transit[1], TRANSIT);
    join(this);
  }

  /**
   * Gives the thread a link's descriptors, which nobody else uses from then on. Undefined: it cannot be had.
   * @param rest - bytes to come of the frame in whose middle we are
   * @param first - what was not sent yet
   */
  static begin(
    input: number,
    output: number,
    rest: number,
    first: Buffer,
    events: RelayEvents,
  ): Relay | undefined {
    notice = native.relayStart();
    if (notice < 0) return undefined;
    const transit = native.pipe();
    if (transit[0] < 0) return undefined;
    return new Relay(native.relayOpen(input, output, ...transit, rest, first), transit, events);
  }

  get silentMs(): number {
    return native.relaySilentMs(this.link);
  }

  /** Sends frames. False: so much waits now that no more should come before `room`. */
  send(pieces: readonly Buffer[]): boolean {
    return native.relaySend(this.link, pieces) <= WAITING_MAX;
  }

  look(): void {
    const { bytes, news } = native.relayTake(this.link);
    if (bytes.length > 0) this.events.came(bytes);
    for (const one of news) {
      if (!relays.has(this)) break;
      this.heard(one);
    }
  }

  /**
   * Sends what comes out of a pipe, or of a file from `at` on, as data of a stream. Undefined: not now.
   * @param ended - nothing more comes, or it cannot be read: take it back and see
   */
  source(stream: Stream, fd: number, from: number, at: number, ended: () => void): Lent | undefined {
    const { link } = this;
    const window = stream.lendSending(fd, (count) => {
      if (native.relayCredit(link, stream.id, fd, count) < 0)
        throw new LinkFault("window", `credit of ${count} was never spent`);
    });
    if (window === undefined) return undefined;
    native.relaySource(link, stream.id, fd, from, at, window.allowance, window.most);
    return this.lend(stream.id, fd, false, ended, () => {
      const { count, remaining } = native.relayEndSource(link, stream.id, fd);
      stream.sendAgain(fd, remaining);
      return { count, bytes: EMPTY };
    });
  }

  /**
   * Puts data of a stream into a pipe or a file. Undefined: not now.
   * @param came - what was received and not handed on; it goes first
   * @param again - called when it is time to try again
   * @param off - it cannot be written any more, or the link is over: take it back and see
   */
  sink(
    stream: Stream,
    fd: number,
    to: number,
    came: readonly Buffer[],
    again: () => void,
    off: () => void,
  ): Lent | undefined {
    const { link } = this;
    const window = stream.lendReceiving(fd);
    if (window === undefined) return undefined;
    const { size, batch, owed, held } = window;
    if (native.relaySink(link, stream.id, fd, to, size, batch, owed, Buffer.concat(came)) < 0) {
      stream.receiveAgain(fd, owed, held);
      this.hopeful.add(again);
      return undefined;
    }
    return this.lend(stream.id, fd, true, off, () => {
      const { count, remaining, bytes } = native.relayEndSink(link, stream.id, fd);
      stream.receiveAgain(fd, remaining, bytes.length);
      return { count, bytes };
    });
  }

  /** Calls `again` when nothing more comes, with all that came told. */
  hush(again: () => void): void {
    this.hopeful.add(again);
    native.relayHush(this.link);
  }

  /** Gives the link back if nothing streams, and nothing is on its way. */
  leave(): boolean {
    if (this.lent.size > 0 || !native.relayLeave(this.link)) return false;
    this.close();
    return true;
  }

  /** The link is over: everybody has back what they lent, and what came is to be delivered. */
  end(): void {
    if (!relays.has(this)) return;
    part(this);
    for (const { end, ended, came } of [...this.lent.values()]) {
      end();
      if (came) ended();
    }
    this.close();
  }

  private close(): void {
    part(this);
    native.relayClose(this.link);
    for (const fd of this.transit) native.close(fd);
    this.room.end();
  }

  private quiet(): void {
    const all = [...this.hopeful];
    this.hopeful.clear();
    for (const again of all) again();
    native.relayGo(this.link);
  }

  private heard({ what, stream, fd, error }: RelayNews): void {
    if (what === What.ROOM) this.events.room();
    else if (what === What.QUIET) this.quiet();
    else if (what === What.OVER) this.events.over(error);
    else this.lent.get(`${stream}:${fd}`)?.ended();
  }

  private lend(
    stream: number,
    fd: number,
    came: boolean,
    ended: () => void,
    takeBack: () => { count: number; bytes: Buffer },
  ): Lent {
    const { link, lent } = this;
    const key = `${stream}:${fd}`;
    let last: { count: number; bytes: Buffer } | undefined;
    const end = (): Buffer => {
      if (last === undefined) lent.delete(key);
      last ??= takeBack();
      return last.bytes;
    };
    lent.set(key, { ended, end, came });
    return {
      get count() {
        return last?.count ?? native.relaySunk(link, stream, fd).count;
      },
      get waiting() {
        return last?.bytes.length ?? native.relaySunk(link, stream, fd).waiting;
      },
      end,
    };
  }
}

const EMPTY = Buffer.alloc(0);
