/**
 * Keeps a state from flapping: busy at once, free again only after a time of calm; a longer one when it had turned busy
 * again soon after the last. So no load beside jobs, however it swings, changes the state more than six times a minute.
 * What went with a job that ended is gone, and needs no such proof.
 */

/** Of calm before a host is free again: within 10 s after a load is gone. */
const calmMs = 5000;
/** The same for a host that turned busy within this time after it was free again. */
const flappingMs = 25_000;
/** Slots taken on average: one more or less is a job that has begun or ended. */
const oneJob = 0.5;

export class Residence {
  #busy = false;
  /** It was free once. Busy from the start on is no turn: what is over may be the start itself. */
  #wasFree = false;
  #freeAt = Number.NEGATIVE_INFINITY;
  #calmAt: number | null = null;
  #neededMs = calmMs;
  /** Slots taken on average over the last interval; and when it was last over, or just before: a job may have ended in it. */
  #taken = 0;
  #takenOver = 0;

  #brought = false;

  get busy(): boolean {
    return this.#busy;
  }

  /** Busy with what jobs have brought: it turned busy while some ran, and has not been over without any since. */
  get byJobs(): boolean {
    return this.#busy && this.#brought;
  }

  /**
   * At the end of an interval.
   * @param over - over a threshold
   * @param calm - under all of them by a margin
   * @param takenAverage - slots taken over the interval, where jobs may be what it is
   */
  step(over: boolean, calm: boolean, now: number, takenAverage = 0): void {
    const takenBefore = this.#taken;
    this.#taken = takenAverage;
    if (over) {
      this.#takenOver = Math.max(takenBefore, takenAverage);
      const jobs = this.#takenOver >= oneJob;
      this.#brought = jobs && (this.#brought || !this.#busy);
      if (!this.#busy) this.#neededMs = now - this.#freeAt < flappingMs ? flappingMs : calmMs;
      this.#busy = true;
      this.#calmAt = null;
      return;
    }
    if (!this.#busy) {
      this.#wasFree = true;
      return;
    }
    this.#calmAt = calm ? (this.#calmAt ?? now) : null;
    if (this.#calmAt === null) return;
    const wentWithJob = takenAverage <= this.#takenOver - oneJob;
    if (!wentWithJob && now - this.#calmAt < this.#neededMs) return;
    this.#busy = false;
    if (this.#wasFree) this.#freeAt = now;
    this.#wasFree = true;
  }
}
