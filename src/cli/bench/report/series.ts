/** Load curves of hosts as one of the cluster: mean and spread over the hosts at each time (paper, figures 6 to 10). */
import type { IndexName } from "../../../core/indices.js";
import { type Spread, shares, spread } from "../../stats-series.js";
import type { Curve } from "../records.js";

export interface SeriesPoint extends Spread {
  /** Middle of a stretch of time, s. */
  readonly t: number;
}

/** More points than this a figure cannot show. */
const POINTS_MAX = 120;

/** Lengths of a stretch that a reader can think in, s. */
const LENGTHS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600] as const;

/** How long stretches must be for curves over so many seconds. */
export const lengthFor = (seconds: number): number =>
  LENGTHS.find((length) => seconds / length <= POINTS_MAX) ?? 3600;

/** One point for each stretch of `lengthS` in which every host that has a curve of this index measured it. */
export function series(curves: readonly Curve[], index: IndexName, lengthS: number): SeriesPoint[] {
  const hosts = curves.flatMap((curve) => {
    const values = curve.indices[index];
    return values ? [means(curve.t, values, lengthS)] : [];
  });
  const stretches = [...new Set(hosts.flatMap((one) => [...one.keys()]))].sort((a, b) => a - b);
  return stretches.flatMap((stretch) => {
    const values = hosts.flatMap((one) => one.get(stretch) ?? []);
    // A stretch that some host has not measured would move the mean by who is missing.
    return values.length < hosts.length ? [] : [{ t: (stretch + 0.5) * lengthS, ...spread(values) }];
  });
}

/**
 * A host's mean in each stretch of which it measured at least half, by the stretch's number. A sample holds from midway
 * between it and the one before to midway to the next: hosts do not measure at the same moments.
 */
function means(
  t: readonly number[],
  values: readonly (number | null)[],
  lengthS: number,
): Map<number, number> {
  const sums = new Map<number, { sum: number; s: number }>();
  for (const [i, value] of values.entries()) {
    const at = t[i];
    if (value === null || at === undefined) continue;
    const [before, after] = [t[i - 1], t[i + 1]];
    const width = Math.max(after === undefined ? 0 : after - at, before === undefined ? 0 : at - before) || 1;
    const from = at - (before === undefined ? width : at - before) / 2;
    const to = at + (after === undefined ? width : after - at) / 2;
    for (const [stretch, s] of shares(from, to, lengthS)) {
      const old = sums.get(stretch) ?? { sum: 0, s: 0 };
      sums.set(stretch, { sum: old.sum + value * s, s: old.s + s });
    }
  }
  return new Map(
    [...sums].filter(([, { s }]) => s >= lengthS / 2).map(([stretch, { sum, s }]) => [stretch, sum / s]),
  );
}
