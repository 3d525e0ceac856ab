/**
 * What jobs that run on a host take of its memory and its disk, as far as its own measure does not show it yet; and what those
 * gave back that have ended since. Pure.
 */

/** A job has taken its memory after so long, ms. */
const grownMs = 10_000;
/** Jobs that are kept: their ends may be missed. */
const jobsMax = 1024;

export interface Takes {
  /** MiB; 0: little, or not known. */
  readonly memoryMb: number;
  /** It lives by the disk. */
  readonly io: boolean;
}

export class Promises {
  readonly #running = new Map<number, Takes & { readonly at: number; readonly measuredMb: number }>();
  /** Available as last measured, MiB. */
  #measuredMb = 0;
  /** Of jobs that have ended, and what was measured as available then. */
  #freedMb = 0;
  #freedAtMb = 0;

  begun(job: number, { memoryMb, io }: Takes, now: number): void {
    if (memoryMb === 0 && !io) return;
    // What was freed just before is there too, though the measure does not show it yet.
    const freedMb = this.#freedAtMb === this.#measuredMb ? this.#freedMb : 0;
    this.#running.set(job, { memoryMb, io, at: now, measuredMb: this.#measuredMb + freedMb });
    const oldest = this.#running.size > jobsMax ? this.#running.keys().next().value : undefined;
    if (oldest !== undefined) this.#running.delete(oldest);
  }

  /** @param availableMb - as last measured */
  ended(job: number, availableMb: number): void {
    const takes = this.#running.get(job);
    this.#running.delete(job);
    if (this.#freedAtMb !== availableMb) this.#freedMb = 0;
    this.#freedAtMb = availableMb;
    this.#measuredMb = availableMb;
    // What the measure never showed as taken is not given back either.
    if (takes) this.#freedMb += Math.min(takes.memoryMb, Math.max(0, takes.measuredMb - availableMb));
  }

  /**
   * Whether one more fits beside them.
   * @param availableMb - memory as last measured; 0: not known, and then there is room
   */
  fits({ memoryMb, io }: Takes, availableMb: number, now: number): boolean {
    this.#measuredMb = availableMb;
    const others = [...this.#running.values()];
    if (io && others.some((one) => one.io)) return false;
    return memoryMb === 0 || this.leftMb(availableMb, now) >= memoryMb;
  }

  /** Memory for one more beside them, MiB; Infinity when not known. @param availableMb - as for `fits` */
  leftMb(availableMb: number, now: number): number {
    this.#measuredMb = availableMb;
    if (availableMb === 0) return Number.POSITIVE_INFINITY;
    const freedMb = availableMb === this.#freedAtMb ? this.#freedMb : 0;
    const young = [...this.#running.values()].filter(({ at }) => now - at < grownMs);
    const promisedMb = young.reduce((sum, { memoryMb }) => sum + memoryMb, 0);
    // What the measure has fallen by since the first of them began is theirs, as far as anybody knows.
    const shownMb = Math.max(0, (young[0]?.measuredMb ?? 0) - availableMb - freedMb);
    return availableMb + freedMb - Math.max(0, promisedMb - shownMb);
  }
}
