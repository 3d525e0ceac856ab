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

  /**
   * The same, in the same order, with variables changed whose first byte is one of `first`.
   * @param by - of a variable's name, and whether its value is empty: another value; true: it stays; undefined: it goes
   */
  rewritten(
    first: readonly number[],
    by: (name: string, empty: boolean) => string | true | undefined,
  ): Environment {
    const pieces: Buffer[] = [];
    let kept = 0;
    let { count } = this;
    this.each((from, to) => {
      if (from === to || !first.includes(this.bytes[from] ?? 0)) return;
      const equals = indexOf(this.bytes, EQUALS, from);
      const end = equals < 0 || equals > to ? to : equals;
      const name = this.bytes.toString("latin1", from, end);
      const value = by(name, end + 1 >= to);
      if (value === true) return;
      pieces.push(this.bytes.subarray(kept, from - 4));
      if (value === undefined) count--;
      else pieces.push(Environment.of([Buffer.from(`${name}=${value}`)]).bytes);
      kept = to;
    });
    return kept === 0 ? this : new Environment(count, Buffer.concat([...pieces, this.bytes.subarray(kept)]));
  }

  private each(see: (from: number, to: number) => void): void {
    for (let at = 0; at < this.bytes.length; ) {
      const from = at + 4;
      at = from + this.bytes.readUInt32LE(at);
      see(from, at);
    }
  }
}
