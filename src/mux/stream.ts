/** One job on a link: its windows and what waits to be sent for it. */
import type { Buffer } from "node:buffer";
import { encodeFrame, encodeHeader, u32 } from "./encode.js";
import {
  type Frame,
  type FrameType,
  INPUT_WINDOW,
  MOVED_MAX,
  type Role,
  Type,
  WIDE_WINDOW,
  WINDOW,
} from "./frame.js";
import { ReceiveWindow, SendWindow } from "./window.js";

/** Where a stream puts what is to be sent; the muxer decides when. */
export interface Outlet {
  /** @param later - with whatever is sent next, or after a moment */
  control(bytes: Buffer, later?: boolean): void;
  /** Appends a frame to the stream's own queue. */
  ordered(stream: Stream, frame: Buffer): void;
  /** The same with a frame in two pieces, of which it keeps nothing. */
  data(stream: Stream, header: Buffer, payload: Buffer): void;
  /** Sends a frame whose payload goes past us, if nothing waits. Returns what `fill` did, or 0 when it was not called. */
  move(fill: Fill, header: (length: number) => Buffer): number;
  /** Some of what comes in for this stream may go past us. */
  bypassed(stream: Stream): void;
}

/** Puts bytes into a pipe. Returns how many, 0 at their end, or -errno. */
export type Fill = (pipe: number) => number;

/** Takes the bytes of a descriptor past us. */
export interface Sink {
  /** Moves up to `count` bytes that come in on a descriptor. Returns how many; anything else: not now. */
  take(from: number, count: number): number;
  /** They are accounted for. */
  took(count: number): void;
}

const EMPTY = new Uint8Array(0);
/** Output credit goes back in such portions; that of stdin at once, since home takes as much from the caller. */
const OUTPUT_BATCH = WINDOW / 4;

export class Stream {
  /** Called with each frame for this stream, windows already accounted for. */
  onFrame: (frame: Frame) => void = () => undefined;
  /** Frames in order: data and what must not overtake it. */
  readonly queue: Buffer[] = [];
  readonly sinks = new Map<number, Sink>();
  private sendWindows: ReadonlyMap<number, SendWindow> = new Map();
  private receiveWindows: ReadonlyMap<number, ReceiveWindow> = new Map();

  constructor(
    readonly id: number,
    private readonly role: Role,
    private readonly outlet: Outlet,
  ) {
    this.carry([0], [1, 2]);
  }

  /** Which descriptors' bytes go to the program and which come from it. To be said before any of them moves. */
  carry(inputs: readonly number[], outputs: readonly number[]): void {
    const home = this.role === "home";
    const [sent, received] = home ? [inputs, outputs] : [outputs, inputs];
    const [sendSize, receiveSize] = home ? [INPUT_WINDOW, WINDOW] : [WINDOW, INPUT_WINDOW];
    const batch = home ? OUTPUT_BATCH : 1;
    const most = home ? sendSize : WIDE_WINDOW;
    this.sendWindows = new Map(sent.map((fd) => [fd, new SendWindow(sendSize, most)]));
    this.receiveWindows = new Map(received.map((fd) => [fd, new ReceiveWindow(receiveSize, batch)]));
  }

  /** Sends ahead of all data. */
  control(type: FrameType, payload: Uint8Array = EMPTY, flags = 0): void {
    this.outlet.control(encodeFrame(type, flags, this.id, payload));
  }

  /** Sends after the data of this stream that waits already. */
  inOrder(type: FrameType, payload: Uint8Array = EMPTY, flags = 0): void {
    if (this.queue.length === 0) this.control(type, payload, flags);
    else this.outlet.ordered(this, encodeFrame(type, flags, this.id, payload));
  }

  /** The same for what can wait a moment, since something else may come to be sent with it. */
  inOrderLater(type: FrameType, payload: Uint8Array = EMPTY, flags = 0): void {
    if (this.queue.length > 0) this.inOrder(type, payload, flags);
    else this.outlet.control(encodeFrame(type, flags, this.id, payload), true);
  }

  /** Bytes of a descriptor that may be sent now. */
  allowance(fd: number): number {
    return this.sendWindows.get(fd)?.allowance ?? 0;
  }

  /** Sends up to PAYLOAD_MAX bytes within the allowance. The buffer is the caller's again. */
  data(fd: number, payload: Buffer): void {
    this.sendWindows.get(fd)?.spend(payload.length);
    this.outlet.data(this, encodeHeader(Type.DATA, fd, this.id, payload.length), payload);
  }

  /**
   * Sends what `fill` puts into a pipe, up to `max` bytes and within the allowance.
   * @returns bytes sent; anything else: the ordinary way, please
   */
  move(fd: number, max: number, fill: (pipe: number, count: number) => number): number {
    const window = this.sendWindows.get(fd);
    const count = Math.min(max, window?.allowance ?? 0, MOVED_MAX);
    if (window === undefined || count === 0) return 0;
    const n = this.outlet.move(
      (pipe) => fill(pipe, count),
      (length) => encodeHeader(Type.DATA, fd, this.id, length),
    );
    if (n > 0) window.spend(n);
    return n;
  }

  /** Much comes in on a descriptor: from now on it goes past us wherever the sink takes it. */
  bypass(fd: number, sink: Sink): void {
    this.sinks.set(fd, sink);
    this.outlet.bypassed(this);
    const credit = this.role === "home" ? (this.receiveWindows.get(fd)?.grow(WIDE_WINDOW) ?? 0) : 0;
    if (credit > 0) this.control(Type.CREDIT, u32(credit), fd);
  }

  /** Bytes received on a descriptor were handed on: lets the other end send as many again. */
  handedOn(fd: number, count: number): void {
    const credit = this.receiveWindows.get(fd)?.handOn(count) ?? 0;
    if (credit > 0) this.control(Type.CREDIT, u32(credit), fd);
  }

  /** Bytes received on a descriptor that nobody wanted go back, and with them their credit. */
  handBack(fd: number, bytes: Uint8Array): void {
    this.receiveWindows.get(fd)?.handOn(bytes.length);
    this.control(Type.RETURN, bytes, fd);
  }

  /** Accounts for bytes of a descriptor that went past us. @throws {LinkFault} */
  passed(fd: number, count: number): void {
    this.receiveWindows.get(fd)?.arrive(count);
    this.sinks.get(fd)?.took(count);
  }

  /** Accounts for a frame from the other end; false: it goes the wrong way. @throws {LinkFault} */
  account(frame: Frame): boolean {
    if (frame.type === Type.DATA) {
      const window = this.receiveWindows.get(frame.flags);
      window?.arrive(frame.payload.length);
      return window !== undefined;
    }
    if (frame.type === Type.CREDIT) {
      const window = this.sendWindows.get(frame.flags);
      window?.refill(frame.payload.readUInt32LE(0));
      return window !== undefined;
    }
    if (frame.type === Type.RETURN) {
      const window = this.sendWindows.get(frame.flags);
      window?.refill(frame.payload.length);
      return window !== undefined;
    }
    return true;
  }
}
