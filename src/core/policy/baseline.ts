/**
 * What is normal for one index on one host: the level at rest, how far it strays, and what one taken slot usually adds.
 * Follows a calmer host within a minute and a livelier one over an hour, so that a busy hour does not become the norm.
 */

export interface Normal {
  /** Without jobs, and the mean distance from it, in the index's unit. */
  readonly level: number;
  readonly spread: number;
  /** Added by each taken slot. */
  readonly perSlot: number;
}

/** Bounds of what may be learned, in the index's unit. */
export interface Bounds {
  /** Threshold before anything is learned, and the lowest one after; the highest is so many times that. */
  readonly floor: number;
  /** What a taken slot is taken to add before any was seen, and at most. */
  readonly perSlot: number;
  readonly perSlotMax: number;
}

const calmerMs = 60_000;
const livelierMs = 3_600_000;
const spreadMs = 600_000;
const perSlotMs = 60_000;
/** A threshold stands so many mean distances above the level. */
const spreads = 8;
/** No threshold is more than so many times its floor: whatever a host got used to, there is too much. */
const floorsMax = 10;
/** Slots taken on average, below which an interval says nothing of what jobs add; and above which nothing of rest. */
export const someTaken = 0.5;
export const noneTaken = 0.05;

export class Baseline {
  #level: number | null = null;
  #spread = 0;
  #perSlot: number;

  constructor(
    private readonly bounds: Bounds,
    learned?: Normal,
  ) {
    this.#perSlot = bounds.perSlot;
    if (!learned) return;
    this.#level = learned.level;
    this.#spread = learned.spread;
    this.#perSlot = Math.min(bounds.perSlotMax, learned.perSlot);
  }

  /** An interval of `ms` in which the host was not busy. */
  learn(value: number, takenAverage: number, ms: number): void {
    if (takenAverage >= someTaken) {
      const added = Math.max(0, value - (this.#level ?? 0)) / takenAverage;
      const weight = part(ms, perSlotMs);
      this.#perSlot = Math.min(this.bounds.perSlotMax, this.#perSlot + weight * (added - this.#perSlot));
    } else if (takenAverage < noneTaken) {
      const level = this.#level ?? value;
      const away = Math.abs(value - level);
      // One burst says little about how far it usually strays.
      const clipped = Math.min(away, 3 * this.#spread + this.bounds.floor / 100);
      this.#spread += part(ms, spreadMs) * (clipped - this.#spread);
      this.#level = level + part(ms, value < level ? calmerMs : livelierMs) * (value - level);
    }
  }

  /** What is left of a value beside jobs in so many slots. */
  beside(value: number, takenAverage: number): number {
    return Math.max(0, value - takenAverage * this.#perSlot);
  }

  get threshold(): number {
    const { floor } = this.bounds;
    const learned = (this.#level ?? 0) + spreads * this.#spread;
    return Math.min(floorsMax * floor, Math.max(floor, learned));
  }

  /** Below this it is calm again. */
  get calm(): number {
    const level = Math.min(this.#level ?? 0, this.threshold);
    return calmBelow(this.threshold, level);
  }

  get normal(): Normal | null {
    return this.#level === null ? null : { level: this.#level, spread: this.#spread, perSlot: this.#perSlot };
  }
}

/** Where a load that was over a threshold counts as gone: four fifths of the way up from its usual level. */
export function calmBelow(threshold: number, level: number): number {
  return level + 0.8 * (threshold - level);
}

/** Weight of an interval in an exponential mean. */
function part(ms: number, meanMs: number): number {
  return 1 - Math.exp(-ms / meanMs);
}

/** Takes in what `normal` gave, from a file that anybody may have written. */
export function readNormal(value: unknown): Normal | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { level, spread, perSlot } = value as Record<string, unknown>;
  const fits = (x: unknown): x is number => typeof x === "number" && Number.isFinite(x) && x >= 0 && x < 1e15;
  return fits(level) && fits(spread) && fits(perSlot) ? { level, spread, perSlot } : undefined;
}
