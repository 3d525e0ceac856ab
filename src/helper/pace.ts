/**
 * How much longer jobs take here than they should, by those that ran here lately: this host has work of its own beside them,
 * which no slot counts. Pure.
 */

/** Weight of the newest job. */
const weight = 0.4;
/** What was seen fades: after so long, ms, less than half of it counts. */
const fadeMs = 5000;
/** No job says more than that; shorter ones say nothing, ms. */
const factorMax = 4;
const seenMinMs = 20;

export class Pace {
  readonly #running = new Map<number, { readonly since: number; readonly ms: number }>();
  #log = 0;
  #at = 0;

  /** A job has been started here that should take so long. */
  begun(job: number, ms: number, now: number): void {
    this.#running.set(job, { since: now, ms });
  }

  ended(job: number, now: number): void {
    const one = this.#running.get(job);
    this.#running.delete(job);
    if (!one || one.ms < seenMinMs) return;
    const log = Math.log(Math.max(1, now - one.since) / one.ms);
    const before = this.#faded(now);
    this.#log = before + weight * (Math.min(Math.log(factorMax), Math.max(0, log)) - before);
    this.#at = now;
  }

  /** Times as long as they should: 1 or more. */
  factor(now: number): number {
    return Math.exp(this.#faded(now));
  }

  #faded(now: number): number {
    return this.#log * Math.exp(-Math.max(0, now - this.#at) / fadeMs);
  }
}
