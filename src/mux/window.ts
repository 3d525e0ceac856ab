/** Credits: how many bytes of one descriptor may be on their way in one direction. */
import { LinkFault } from "./errors.js";

/** The sender's side. Invariant: 0 <= allowance <= most. */
export class SendWindow {
  allowance: number;
  /** Who has the allowance, and gets what comes in: then none is left here. */
  private borrower: ((count: number) => void) | undefined;

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

  /** Lets somebody else send. Returns what may be sent at first, and the most that may come to be allowed. */
  lend(refill: (count: number) => void): { allowance: number; most: number } {
    const { allowance, most } = this;
    this.borrower = refill;
    this.allowance = 0;
    return { allowance, most };
  }

  /** It is ours again; so much of it is left. */
  takeBack(allowance: number): void {
    this.borrower = undefined;
    this.allowance = allowance;
  }

  /** @throws {LinkFault} when the other end gives back what it never had */
  refill(count: number): void {
    if (this.borrower !== undefined) {
      this.borrower(count);
      return;
    }
    if (this.allowance + count > this.most)
      throw new LinkFault("window", `credit of ${count} was never spent`);
    this.allowance += count;
  }
}

/** The receiver's side. Invariant: held + owed + what the sender may still send = size. */
export class ReceiveWindow {
  /** Bytes received and not handed on. */
  private held = 0;
  /** Bytes handed on for which no credit has gone out yet. */
  private owed = 0;

  /** @param batch - credit goes out once so much has come together */
  constructor(
    private size: number,
    private batch: number,
  ) {}

  /** Lets somebody else receive, with the bytes that are to be handed on, or for which no credit has gone out. */
  lend(): { size: number; batch: number; owed: number; held: number } {
    const { size, batch, owed, held } = this;
    this.owed = 0;
    this.held = 0;
    return { size, batch, owed, held };
  }

  /** It is ours again; `owed` were handed on and no credit has gone out for them, `held` are to be handed on. */
  takeBack(owed: number, held: number): void {
    this.owed += owed;
    this.held += held;
  }

  /** Allows more from now on; returns the credit to send now. */
  grow(size: number, batch: number): number {
    this.batch = Math.max(batch, this.batch);
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
