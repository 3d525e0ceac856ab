/** Choices and bytes from a seed, and bytes changed at random: mostly a little, now and then a lot. */
import { randomFrom } from "../sim/random.js";

/** Numbers at which decoders go wrong. */
const edges = [0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 63, 64, 120, 127, 128, 254, 255];
const wideEdges = [0, 1, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];

export class Chance {
  readonly unit: () => number;

  constructor(seed: number) {
    this.unit = randomFrom(seed);
  }

  /** 0 to `below` - 1. */
  below(below: number): number {
    return Math.floor(this.unit() * below);
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.unit() * times < 1;
  }

  pick<T>(from: readonly [T, ...T[]] | readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    for (let at = 0; at < length; at++) bytes[at] = this.unit() * 256;
    return bytes;
  }

  /** A copy of some bytes with up to eight changes between `from` and `to`, at most `max` long. */
  mutate(original: Buffer, max: number, from = 0, to = original.length): Buffer {
    let bytes: Buffer = Buffer.from(original);
    let end = Math.min(to, bytes.length);
    // Half of the time everything stays in its place.
    const kinds = this.once(2) ? 5 : 8;
    for (let changes = this.once(4) ? 1 + this.below(8) : 1; changes > 0 && end > from; changes--) {
      const at = from + this.below(end - from);
      const before = bytes.length;
      bytes = this.#change(kinds, bytes, at, end);
      end += bytes.length - before;
    }
    return bytes.length > max ? bytes.subarray(0, max) : bytes;
  }

  #change(kinds: number, bytes: Buffer, at: number, end: number): Buffer {
    const some = Math.min(1 + this.below(16), end - at);
    switch (this.below(kinds)) {
      case 0: // a bit
        bytes[at] = (bytes[at] ?? 0) ^ (1 << this.below(8));
        return bytes;
      case 1:
        bytes[at] = this.unit() * 256;
        return bytes;
      case 2:
        bytes[at] = this.pick(edges);
        return bytes;
      case 3: // a number
        if (at + 4 <= end) bytes.writeUInt32LE(this.pick(wideEdges), at);
        return bytes;
      case 4: // noise
        this.bytes(some).copy(bytes, at);
        return bytes;
      case 5: // something is missing
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + some)]);
      case 6: // something is there twice
        return Buffer.concat([bytes.subarray(0, at + some), bytes.subarray(at)]);
      default: // something is put in between
        return Buffer.concat([bytes.subarray(0, at), this.bytes(some), bytes.subarray(at)]);
    }
  }
}
