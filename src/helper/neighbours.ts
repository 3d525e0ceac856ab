/** Jobs that wait, of which others may wait for one, through a pipe, in slots of theirs. Pure. */
import type { Job } from "./waiting.js";

/** Whoever others wait for, with what they hold, waits no longer for a slot, ms. */
export const PIPED_MS = 250;
/**
 * When nothing has begun or ended for so long, those that have a slot may wait for one that has none, through a pipe that we cannot
 * follow: one runs here. Another one after twice as long, ms.
 */
const STILL_MS = 2000;

export class Neighbours {
  /** Since when nothing has begun or ended, and how long that may last, ms. */
  private still = { since: Number.NEGATIVE_INFINITY, ms: STILL_MS };

  /** Something has begun or ended. */
  stir(now: number): void {
    this.still = { since: now, ms: STILL_MS };
  }

  /** Nothing has begun or ended for long, or for so many ms if that is longer: once, and again after twice as long. */
  isStill(now: number, forMs = 0): boolean {
    const { since, ms } = this.still;
    if (now - since < Math.max(ms, forMs)) return false;
    this.still = { since: now, ms: 2 * ms };
    return true;
  }

  /** Those that are to run here, with the reason, and those that are to be looked at, less and less often. */
  due(waiting: readonly Job[], now: number): { look: Job[]; here: { job: Job; why: string }[] } {
    const may = waiting.filter(({ piped = "no" }) => piped !== "no");
    const due = may.filter(({ lookAt }) => now >= lookAt);
    const look = due.filter(({ piped }) => piped === "maybe");
    for (const job of look) job.lookAt = job.since + 2 * (job.lookAt - job.since);
    const here = due
      .filter(({ piped }) => piped === "yes")
      .map((job) => ({ job, why: "another program waits for it, through a pipe" }));
    const oldest = may.find(({ piped }) => piped === "maybe");
    if (oldest && this.isStill(now)) {
      here.push({
        job: oldest,
        why: "nothing has ended for long, and a program may wait for it, through a pipe",
      });
    }
    return { look, here };
  }
}
