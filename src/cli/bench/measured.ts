/** The load indices over a window, as pantsd samples them on a host that is the whole machine. A program too: SECONDS. */
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type IndexName, indexNames } from "../../core/indices.js";
import { monotonicMs } from "../../io/clock.js";
import { Sampler } from "../../io/indices/sampler.js";

export type Averages = Readonly<Record<IndexName, number | null>>;

/** Averages of so many samples, one a second. */
export async function measured(seconds: number): Promise<Averages> {
  const sampler = new Sampler({ read: () => null });
  const began = monotonicMs();
  const sums = Object.fromEntries(indexNames.map((name) => [name, 0])) as Record<IndexName, number | null>;
  let before = began;
  for (let second = 1; second <= seconds; second += 1) {
    await sleep(Math.max(0, began + 1000 * second - monotonicMs()));
    const sample = sampler.sample();
    const now = monotonicMs();
    for (const name of indexNames) sums[name] = plus(sums[name], sample[name], now - before);
    before = now;
  }
  const ms = before - began;
  return Object.fromEntries(
    indexNames.map((name) => [name, plus(0, sums[name], 1 / ms)]),
  ) as unknown as Averages;
}

const plus = (sum: number | null, value: number | null, weight: number): number | null =>
  sum === null || value === null ? null : sum + value * weight;

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(JSON.stringify(await measured(Number(process.argv[2] ?? "10"))));
