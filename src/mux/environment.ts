/**
 * A program's environment as it travels: one block of byte strings, each after its length (uint32), so that the dozens of
 * variables of a job are copied at once and not one by one.
 */
import { Buffer } from "node:buffer";

/** Not Buffer's own, which looks at its arguments for longer than at the bytes. */
const indexOf = (bytes: Buffer, value: number, from: number): number =>
  Uint8Array.prototype.indexOf.call(bytes, value, from);
const EQUALS = 0x3d;

export class Environment {
  /** @param bytes - `count` strings without NUL that fill it; see `at` for what others made */
  private constructor(
    readonly count: number,
    readonly bytes: Buffer,
  ) {}

  static of(variables: readonly Uint8Array[]): Environment {
    const pieces = variables.flatMap((variable) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(variable.length, 0);
      return [length, variable];
    });
    return new Environment(variables.length, Buffer.concat(pieces));
  }

  /** `count` strings of `bytes` from `start` on, as a view; undefined: cut short, or a NUL inside one. */
  static at(bytes: Buffer, start: number, count: number): Environment | undefined {
    let at = start;
    for (let i = 0; i < count; i++) {
      if (bytes.length - at < 4) return undefined;
      const from = at + 4;
      at = from + bytes.readUInt32LE(at);
      if (at > bytes.length) return undefined;
      const nul = indexOf(bytes, 0, from);
      if (nul >= 0 && nul < at) return undefined;
    }
    return new Environment(count, bytes.subarray(start, at));
  }

  /** The first value of a variable, a character for each byte; undefined when it is not set. */
  get(name: string): string | undefined {
    const first = name.charCodeAt(0); // most are told apart by it
    let value: string | undefined;
    this.each((from, to) => {
      const equals = from + name.length;
      if (this.bytes[from] !== first || equals >= to || this.bytes[equals] !== EQUALS) return;
      if (this.bytes.toString("latin1", from, equals) === name)
        value ??= this.bytes.toString("latin1", equals + 1, to);
    });
    return value;
  }

  /** What is left when variables go whose first byte is one of `first` and whose name `goes`. */
  without(first: readonly number[], goes: (name: string) => boolean): Environment {
    const pieces: Buffer[] = [];
    let kept = 0;
    let count = this.count;
    this.each((from, to) => {
      if (!first.includes(this.bytes[from] ?? 0) || from === to) return;
      const equals = indexOf(this.bytes, EQUALS, from);
      if (!goes(this.bytes.toString("latin1", from, equals < 0 || equals > to ? to : equals))) return;
      pieces.push(this.bytes.subarray(kept, from - 4));
      kept = to;
      count--;
    });
    if (count === this.count) return this;
    return new Environment(count, Buffer.concat([...pieces, this.bytes.subarray(kept)]));
  }

  with(others: Environment): Environment {
    return new Environment(this.count + others.count, Buffer.concat([this.bytes, others.bytes]));
  }

  private each(see: (from: number, to: number) => void): void {
    for (let at = 0; at < this.bytes.length; ) {
      const from = at + 4;
      at = from + this.bytes.readUInt32LE(at);
      see(from, at);
    }
  }
}
