/** Looks at the clock every second, by whoever judges how long the other end of a link has been silent. */
import { LINK_LATE_MS } from "./layout.js";

export class Looks {
  private lastAt = performance.now();
  private wasLate = false;

  /**
   * Whether a look comes so late that it says nothing of the other end: we were held up, and have not read what came meanwhile.
   * Of several in a row the first: before the others there was time to read.
   */
  late(now: number): boolean {
    const late = now - this.lastAt > LINK_LATE_MS;
    const excused = late && !this.wasLate;
    this.lastAt = now;
    this.wasLate = late;
    return excused;
  }
}
