/** Cluster statistics over time (paper, figures 6 to 10): per index, what the hosts' means were in each stretch of time. */
import { type IndexName, indexNames } from "../core/indices.js";
import type { LoadEntry } from "../io/load-record.js";

export interface HostRecord {
  readonly host: string;
  readonly entries: readonly LoadEntry[];
}

/** Over hosts, of their means in one stretch of time, in the index's unit. */
export interface Spread {
  readonly mean: number;
  /** Of the population. */
  readonly deviation: number;
  readonly min: number;
  readonly max: number;
  readonly hosts: number;
}

export interface Point {
  /** Beginning of the stretch, ms since 1970. */
  readonly timeMs: number;
  readonly indices: Readonly<Partial<Record<IndexName, Spread>>>;
}

export function spread(values: readonly number[]): Spread {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  const [min, max] = [Math.min(...values), Math.max(...values)];
  return { mean, deviation: Math.sqrt(variance), min, max, hosts: values.length };
}

/** The stretches of so long in which a span of time lies, numbered from time 0, and how much of it lies in each. */
export function shares(from: number, to: number, length: number): [stretch: number, part: number][] {
  const found: [number, number][] = [];
  for (let n = Math.floor(from / length); n * length < to; n += 1)
    found.push([n, Math.min(to, (n + 1) * length) - Math.max(from, n * length)]);
  return found;
}

/**
 * One point for each stretch of `everyMs` in which any host measured anything. An interval counts in each stretch of which
 * it covers half, or that covers half of it: a full host is sampled seldom, and missing it would move the mean.
 */
export function series(records: readonly HostRecord[], everyMs: number): Point[] {
  /** By stretch, index and host: sum of value times length, and of length. */
  const sums = new Map<number, Map<IndexName, Map<string, { sum: number; ms: number }>>>();
  for (const { host, entries } of records)
    for (const { timeMs, intervalMs, sample } of entries) {
      if (intervalMs <= 0) continue;
      for (const [n, ms] of shares(timeMs - intervalMs, timeMs, everyMs)) {
        if (ms < Math.min(intervalMs, everyMs) / 2) continue;
        const stretch = getOr(
          sums,
          n * everyMs,
          () => new Map<IndexName, Map<string, { sum: number; ms: number }>>(),
        );
        for (const name of indexNames) {
          const value = sample[name];
          if (value === null) continue;
          const hosts = getOr(stretch, name, () => new Map<string, { sum: number; ms: number }>());
          const total = getOr(hosts, host, () => ({ sum: 0, ms: 0 }));
          total.sum += value * ms;
          total.ms += ms;
        }
      }
    }
  return [...sums]
    .sort(([a], [b]) => a - b)
    .map(([timeMs, stretch]) => {
      const indices = [...stretch].map(([name, hosts]) => {
        const means = [...hosts.values()].map(({ sum, ms }) => sum / ms);
        return [name, spread(means)] as const;
      });
      return { timeMs, indices: Object.fromEntries(indices) };
    });
}

/** Over all points: the mean of means and of deviations, and the extremes. */
export function overall(points: readonly Point[]): Partial<Record<IndexName, Spread>> {
  const found = indexNames.flatMap((name) => {
    const all = points.flatMap(({ indices }) => indices[name] ?? []);
    if (all.length === 0) return [];
    const average = (pick: (one: Spread) => number) =>
      all.reduce((sum, one) => sum + pick(one), 0) / all.length;
    const whole: Spread = {
      mean: average(({ mean }) => mean),
      deviation: average(({ deviation }) => deviation),
      min: Math.min(...all.map(({ min }) => min)),
      max: Math.max(...all.map(({ max }) => max)),
      hosts: Math.max(...all.map(({ hosts }) => hosts)),
    };
    return [[name, whole] as const];
  });
  return Object.fromEntries(found);
}

function getOr<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
