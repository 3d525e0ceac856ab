/**
 * Wait for a slot, or run here at once: whichever ends sooner. Pure. A slot that comes to this user is taken to be followed by
 * the next after as long as between the last ones, and no sooner than it has already taken.
 */
import type { Need } from "../core/kinds/need.js";

/** Weight of the newest interval. */
const weight = 0.2;

/** This host as a job that waits sees it. */
export interface HomeSlots {
  /** Slots that may be taken now: none while this host is busy. */
  readonly free: number;
  /** Slots in use, and in force. */
  readonly taken: number;
  readonly total: number;
  /** Programs that may be started here now, in a slot or beside them. */
  readonly room: number;
  /** Memory that is available, MiB; 0 or nothing: not known. */
  readonly availableMb?: number;
  /** Programs that run here beside the slots. */
  readonly beside?: number;
  /** Of those in slots and beside them so many do nothing, as last measured: as many others find a CPU. */
  readonly sleeping?: number;
  /** It is busy since its disk is. */
  readonly diskBusy?: boolean;
  /** It is busy with something that no job can be chosen for: neither its disk nor too little room in memory for just any job. */
  readonly closed?: boolean;
}

export class WaitModel {
  #meanMs: number | null = null;
  #lastAt = 0;

  /** The first job begins to wait. */
  began(now: number): void {
    this.#lastAt = now;
  }

  /** A job that waited got a slot. */
  turned(now: number): void {
    const ms = Math.max(0, now - this.#lastAt);
    this.#meanMs = this.#meanMs === null ? ms : this.#meanMs + weight * (ms - this.#meanMs);
    this.#lastAt = now;
  }

  /** Until the n-th job in the queue gets a slot, ms. */
  waitMs(n: number, now: number): number {
    return n * Math.max(this.#meanMs ?? 0, now - this.#lastAt);
  }
}

/**
 * Until a job that is started here now has ended, ms, with the time counted in that it takes from those which run here
 * already: they share the CPUs.
 */
export function hereMs({ cpuMs, waitMs }: Need, { free, taken, total, room }: HomeSlots): number {
  const slots = Math.max(1, total);
  const beside = Math.max(0, slots - taken);
  // A host that is busy with something else has nothing left beside its slots either.
  const running = free === 0 && beside > 0 ? slots : Math.max(taken, slots + taken - room - beside);
  const share = (running + 1) / slots;
  return share <= 1 ? waitMs + cpuMs : waitMs + cpuMs * (share + running / slots);
}
