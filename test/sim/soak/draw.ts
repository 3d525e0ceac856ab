/** Drawing from a seed. */
import { randomFrom } from "../random.js";

export class Draw {
  readonly next: () => number;

  constructor(seed: number) {
    this.next = randomFrom(seed);
  }

  /** Seed of a stream of its own: what is drawn from that leaves this one as it is. */
  seed(): number {
    return Math.floor(this.next() * 0x1_0000_0000);
  }

  fork(): Draw {
    return new Draw(this.seed());
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** Low and high included. */
  whole(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1));
  }

  /** Every order of magnitude is as likely. */
  magnitude(low: number, high: number): number {
    return low * (high / low) ** this.next();
  }

  one<T>(items: readonly T[]): T {
    const item = items[this.whole(0, items.length - 1)];
    if (item === undefined) throw new RangeError("nothing to draw from");
    return item;
  }

  /** Some of them, at least one. */
  some<T>(items: readonly T[], most: number): T[] {
    const left = [...items];
    const count = this.whole(1, Math.min(most, left.length));
    return Array.from({ length: count }, () => left.splice(this.whole(0, left.length - 1), 1)[0] as T);
  }

  /** Exponentially distributed. */
  wait(mean: number): number {
    return -mean * Math.log(1 - this.next());
  }
}
