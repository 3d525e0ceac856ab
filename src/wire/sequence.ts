/**
 * Numbers for datagrams: each higher than the last, and begun at the wall clock, so that a host that comes back with an
 * old boot id (a snapshot of a virtual machine, say) does not repeat numbers that others have seen.
 */

/** More than a host ever sends in a millisecond, so that numbers never run ahead of the clock. */
const perMs = 128;
/** Above, the numbers go on without the clock: so that a clock set to another century does not use them up. */
const clockMax = 2 ** 48 - 2 ** 42;
/**
 * After so long a silence by the wall clock they begin at it again: what was silent may have been put back in time.
 * Long beside any reordering, since a replay guard takes what was sent before the step for too old.
 */
const silenceMs = 1000;

export class Sequence {
  #last = 0;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** @param wallMs wall clock, ms since 1970 */
  next(wallMs: number): number {
    const clock = wallMs - this.#lastMs > silenceMs ? Math.min(Math.round(wallMs) * perMs, clockMax) : 0;
    this.#last = Math.max(this.#last + 1, clock);
    this.#lastMs = wallMs;
    return this.#last;
  }
}
