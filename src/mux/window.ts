/** Credits: how many bytes of one descriptor may be on their way in one direction. */
import { LinkFault } from "./errors.js";

/** The sender's side. Invariant: 0 <= allowance <= most. */
export class SendWindow {
  allowance: number;

  /** @param most - that the receiver may come to allow */
  constructor(
    size: number,
    private readonly most = size,
  ) {
    this.allowance = size;
  }

  /** @throws RangeError when more is sent than allowed, a mistake of ours */
  spend(count: number): void {
    if (count > this.allowance) throw new RangeError(`sent ${count} bytes with credit for ${this.allowance}`);
    this.allowance -= count;
  }

  /** @throws {LinkFault} when the other end gives back what it never had */
  refill(count: number): void {
    if (this.allowance + count > this.most)
      throw new LinkFault("window", `credit of ${count} was never spent`);
    this.allowance += count;
  }
}

/** The receiver's side. Invariant: held + owed + what the sender may still send = size. */
export class ReceiveWindow {
  /** Bytes received and not handed on. */
  held = 0;
  /** Bytes handed on for which no credit has gone out yet. */
  private owed = 0;

  /** @param batch - credit goes out once so much has come together */
  constructor(
    private size: number,
    private readonly batch: number,
  ) {}

  /** Allows more from now on; returns the credit to send now. */
  grow(size: number): number {
    const credit = this.owed + Math.max(0, size - this.size);
    this.size = Math.max(size, this.size);
    this.owed = 0;
    return credit;
  }

  /** @throws {LinkFault} when the other end sends more than it was allowed */
  arrive(count: number): void {
    this.held += count;
    if (this.held + this.owed > this.size) throw new LinkFault("window", `${count} bytes without credit`);
  }

  /** Bytes were handed on; returns the credit to send now, or 0. */
  handOn(count: number): number {
    this.held -= count;
    this.owed += count;
    if (this.owed < this.batch) return 0;
    const credit = this.owed;
    this.owed = 0;
    return credit;
  }
}
