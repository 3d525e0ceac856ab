/** One job on a link: its windows and what waits to be sent for it. */
import type { Buffer } from "node:buffer";
import { encodeFrame, encodeHeader, u32 } from "./encode.js";
import { type Frame, type FrameType, INPUT_WINDOW, type Role, Type, WIDE_WINDOW, WINDOW } from "./frame.js";
import { ReceiveWindow, SendWindow } from "./window.js";

/** Where a stream puts what is to be sent; the muxer decides when. */
export interface Outlet {
  /** @param later - with whatever is sent next, or after a moment */
  control(bytes: Buffer, later?: boolean): void;
  /** Appends a frame to the stream's own queue. */
  ordered(stream: Stream, frame: Buffer): void;
  /** The same with a frame in two pieces, of which it keeps nothing. */
  data(stream: Stream, header: Buffer, payload: Buffer): void;
}

const EMPTY = new Uint8Array(0);
/** Output credit goes back in such portions; that of input at once, since home takes as much from the caller. */
const OUTPUT_BATCH = WINDOW / 4;

export class Stream {
  /** Called with each frame for this stream, windows already accounted for. */
  onFrame: (frame: Frame) => void = () => undefined;
  /** Frames in order: data and what must not overtake it. */
  readonly queue: Buffer[] = [];
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

  /** Lets somebody else send a descriptor's bytes; undefined while some of ours wait. */
  lendSending(fd: number, refill: (count: number) => void): { allowance: number; most: number } | undefined {
    return this.queue.length === 0 ? this.sendWindows.get(fd)?.lend(refill) : undefined;
  }

  /** The rest of the allowance is ours again. */
  sendAgain(fd: number, allowance: number): void {
    this.sendWindows.get(fd)?.takeBack(allowance);
  }

  /** Lets somebody else receive a descriptor's bytes, and hand on those that came already. */
  lendReceiving(fd: number): { size: number; batch: number; owed: number; held: number } | undefined {
    return this.receiveWindows.get(fd)?.lend();
  }

  /**
   * We receive again.
   * @param owed - bytes handed on for which no credit has gone out
   * @param held - bytes that came and are to be handed on
   */
  receiveAgain(fd: number, owed: number, held = 0): void {
    this.receiveWindows.get(fd)?.takeBack(owed, held);
  }

  /** Much comes in on a descriptor, and is taken fast: allows so much, if that is more, and sends credit in portions. */
  widen(fd: number, size: number): void {
    const credit = this.receiveWindows.get(fd)?.grow(size, OUTPUT_BATCH) ?? 0;
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
