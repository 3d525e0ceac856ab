/**
 * This host while another machine has its name: it takes no part, and tries again after a while. Nothing that is said
 * meanwhile makes the while longer.
 */
import type { Tuning } from "./tuning.js";

export class Refused {
  #until = 0;
  /** Address of the other machine; empty when there is none. */
  #by = "";

  constructor(private readonly tuning: Tuning) {}

  get by(): string {
    return this.#by;
  }

  wakeAt(): number {
    return this.#by === "" ? Number.POSITIVE_INFINITY : this.#until;
  }

  /** How long it will still last, ms; 0 when this host takes part. */
  remainingMs(now: number): number {
    return this.#by === "" ? 0 : Math.max(0, this.#until - now);
  }

  /** Another machine has the name. False when that was known. */
  start(by: string, now: number): boolean {
    if (this.#by !== "") return false;
    this.#by = by;
    this.#until = now + this.tuning.namesakeMs;
    return true;
  }

  /** True once, when it is over. */
  end(now: number): boolean {
    if (this.#by === "" || now < this.#until) return false;
    this.#by = "";
    return true;
  }
}
