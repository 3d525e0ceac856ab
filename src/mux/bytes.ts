/** Reading and writing of payloads: little-endian numbers, and byte strings after their length. */
import { Buffer } from "node:buffer";
import { Environment } from "./environment.js";
import { LinkFault } from "./errors.js";

/** What the last writer has done with, for the next. */
let spare: Buffer | undefined;
const SPARE_MAX = 64 * 1024;

export class Writer {
  private bytes = spare ?? Buffer.allocUnsafeSlow(8192);
  private at = 0;

  constructor() {
    spare = undefined;
  }

  // Room first, in a statement of its own: it may put another buffer in place of this one.
  u8(value: number): this {
    const at = this.room(1);
    this.bytes[at] = value;
    return this;
  }
  u16(value: number): this {
    const at = this.room(2);
    this.bytes.writeUInt16LE(value, at);
    return this;
  }
  u32(value: number): this {
    const at = this.room(4);
    this.bytes.writeUInt32LE(value >>> 0, at);
    return this;
  }
  u64(value: bigint): this {
    const at = this.room(8);
    this.bytes.writeBigUInt64LE(value, at);
    return this;
  }
  raw(value: Uint8Array): this {
    const at = this.room(value.length);
    this.bytes.set(value, at);
    return this;
  }
  string(value: Uint8Array): this {
    return this.u32(value.length).raw(value);
  }
  text(value: string): this {
    return this.string(Buffer.from(value, "utf8"));
  }
  list(values: readonly Uint8Array[]): this {
    this.u32(values.length);
    for (const value of values) this.string(value);
    return this;
  }
  environment(value: Environment): this {
    return this.u32(value.count).raw(value.bytes);
  }
  /** What was written; the writer must not be used any more. */
  done(): Buffer {
    const written = Buffer.from(this.bytes.subarray(0, this.at));
    if (this.bytes.length <= SPARE_MAX) spare = this.bytes;
    return written;
  }

  /** Makes room and returns where it begins. */
  private room(count: number): number {
    const start = this.at;
    this.at += count;
    if (this.at > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.at, this.bytes.length * 2));
      larger.set(this.bytes.subarray(0, start));
      this.bytes = larger;
    }
    return start;
  }
}

/** Reads what a Writer wrote. Every method throws a LinkFault when the bytes do not reach. */
export class Reader {
  private at = 0;
  constructor(private readonly bytes: Buffer) {}

  u8(): number {
    return this.bytes[this.step(1)] ?? 0;
  }
  u16(): number {
    return this.bytes.readUInt16LE(this.step(2));
  }
  u32(): number {
    return this.bytes.readUInt32LE(this.step(4));
  }
  i32(): number {
    return this.bytes.readInt32LE(this.step(4));
  }
  u64(): bigint {
    return this.bytes.readBigUInt64LE(this.step(8));
  }
  string(): Buffer {
    const length = this.u32();
    const start = this.step(length);
    return this.bytes.subarray(start, start + length);
  }
  raw(length: number): Buffer {
    const start = this.step(length);
    return this.bytes.subarray(start, start + length);
  }
  text(): string {
    return this.string().toString("utf8");
  }
  list(): Buffer[] {
    const count = this.u32();
    // Each element takes at least its length, so a count beyond that is a lie and costs nothing to see.
    if (count * 4 > this.bytes.length - this.at) throw new LinkFault("content", `${count} strings announced`);
    const values: Buffer[] = [];
    for (let i = 0; i < count; i++) values.push(this.string());
    return values;
  }
  environment(): Environment {
    const count = this.u32();
    const value = Environment.at(this.bytes, this.at, count);
    if (value === undefined) throw new LinkFault("content", "no environment");
    this.step(value.bytes.length);
    return value;
  }
  /** Everything that is left. */
  rest(): Buffer {
    return this.bytes.subarray(this.step(this.bytes.length - this.at));
  }
  /** Nothing may be left over. */
  end(): void {
    if (this.at !== this.bytes.length) throw new LinkFault("content", "bytes left over");
  }

  private step(count: number): number {
    const start = this.at;
    if (count > this.bytes.length - start) throw new LinkFault("content", "cut short");
    this.at += count;
    return start;
  }
}
