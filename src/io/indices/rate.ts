/** From counters to rates. */

const wrap32 = 2 ** 32;

/**
 * How much a counter has grown; null when that cannot be known: not there before or now, or set back. One that falls from
 * the upper half of 32 bits to the lower has wrapped.
 */
export function growth(before: number | null | undefined, now: number | null): number | null {
  if (before === null || before === undefined || now === null) return null;
  if (now >= before) return now - before;
  return before < wrap32 && before >= wrap32 / 2 && now < wrap32 / 2 ? now + wrap32 - before : null;
}

/** Sum of what several counters have grown by; null when none of them is known. */
export function sum(parts: readonly (number | null)[]): number | null {
  let total: number | null = null;
  for (const part of parts) if (part !== null) total = (total ?? 0) + part;
  return total;
}
