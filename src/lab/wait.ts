/** Waiting for a condition, never for a time. */
import { setTimeout as sleep } from "node:timers/promises";

/** What somebody waited for did not come to be. */
export class TimeoutError extends Error {}

/**
 * Asks every few milliseconds until the answer is neither false nor undefined, and returns it.
 * @throws {TimeoutError} after `ms`, naming what was waited for.
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  { ms = 10_000, every = 10 } = {},
): Promise<Exclude<T, false | undefined>> {
  const end = performance.now() + ms;
  for (;;) {
    const answer = await condition();
    if (answer !== false && answer !== undefined) return answer as Exclude<T, false | undefined>;
    if (performance.now() > end) throw new TimeoutError(`waited ${ms} ms in vain for ${what}`);
    await sleep(every);
  }
}
