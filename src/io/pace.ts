/**
 * When what seldom changes is looked at, for all who do so in this process: on a host with no CPU time to spare not at
 * times of their own, but when the process is awake anyway.
 */
import { monotonicMs } from "./clock.js";

/** After that which wakes the process, so that it is done first. */
const afterMs = 1;

let sparedUntil = Number.NEGATIVE_INFINITY;

/** Nothing is looked at before then, on the monotonic clock, ms. */
export function spareCpuUntil(at: number): void {
  sparedUntil = at + afterMs;
}

/** When to look again, ms from now, where `ms` is the time between two looks of a host that has time to spare. */
export const paced = (ms: number): number => Math.max(ms, sparedUntil - monotonicMs());
