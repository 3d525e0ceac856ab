/**
 * Keeps a state from flapping: busy at once, free again only after a time of calm; a longer one when it had turned busy
 * again soon after the last. So no load, however it swings, changes the state more than six times a minute.
 */

/** Of calm before a host is free again: within 10 s after a load is gone. */
const calmMs = 5000;
/** The same for a host that turned busy within this time after it was free again. */
const flappingMs = 25_000;

export class Residence {
  #busy = false;
  #freeAt = Number.NEGATIVE_INFINITY;
  #calmAt: number | null = null;
  #neededMs = calmMs;

  get busy(): boolean {
    return this.#busy;
  }

  /** @param over - over a threshold; @param calm - under all of them by a margin. Only at the end of an interval. */
  step(over: boolean, calm: boolean, now: number): void {
    if (over) {
      if (!this.#busy) this.#neededMs = now - this.#freeAt < flappingMs ? flappingMs : calmMs;
      this.#busy = true;
      this.#calmAt = null;
      return;
    }
    if (!this.#busy) return;
    this.#calmAt = calm ? (this.#calmAt ?? now) : null;
    if (this.#calmAt === null || now - this.#calmAt < this.#neededMs) return;
    this.#busy = false;
    this.#freeAt = now;
  }
}
