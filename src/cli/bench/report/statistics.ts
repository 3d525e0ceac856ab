/** Of some runs' seconds, or of some hosts' values. */

export interface Statistics {
  readonly n: number;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Of the sample (n - 1); null of a single value. */
  readonly deviation: number | null;
}

/** @throws {RangeError} of none */
export function statistics(values: readonly number[]): Statistics {
  const sorted = [...values].sort((a, b) => a - b);
  const [n, min, max] = [sorted.length, sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) throw new RangeError("no values");
  const [low = min, high = min] = [sorted[(n - 1) >> 1], sorted[n >> 1]];
  const mean = sorted.reduce((a, b) => a + b, 0) / n;
  const squares = sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    n,
    median: (low + high) / 2,
    min,
    max,
    mean,
    deviation: n > 1 ? Math.sqrt(squares / (n - 1)) : null,
  };
}
