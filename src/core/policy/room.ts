/**
 * How much memory must be available for one more job: a reserve, and as much as each of those that run here takes, since the
 * next one is likely to be like them.
 */
import { noneTaken, someTaken } from "./baseline.js";
import type { Interval } from "./policy.js";

/** A host with less than this many slots left is full, whatever its memory. */
const slotLeft = 0.5;

export class Room {
  /** Available when no slot was last taken, MiB. */
  #restMb: number | null = null;

  /** @param byHandMb - the reserve as configured, and nothing beside it; null = as fits this host */
  constructor(private readonly byHandMb: number | null) {}

  /** Takes an interval in. MiB that must be available; null where the kernel does not tell what is. */
  needed({ sample: { availableMb, totalMb }, takenAverage, total }: Interval): number | null {
    if (availableMb === null) return null;
    if (this.byHandMb !== null) return this.byHandMb;
    const reserve = usual(totalMb);
    if (takenAverage <= noneTaken) this.#restMb = availableMb;
    if (this.#restMb === null || takenAverage < someTaken || takenAverage > total - slotLeft) return reserve;
    return Math.max(reserve, (this.#restMb - availableMb) / takenAverage);
  }
}

/** A twentieth of the memory, 64 MiB to 1 GiB; of a host that has little, a quarter, or it would never be free. */
function usual(totalMb: number | null): number {
  if (totalMb === null) return 64;
  return Math.min(1024, Math.max(64, totalMb / 20), totalMb / 4);
}
