/** Little-endian fields, one after another. The writer grows to one datagram, the reader never reads past its end. */

/** Largest datagram: fits an Ethernet frame with room for tunnels. */
export const datagramMax = 1200;
/** Longest name of a host, cluster or compatibility, in bytes. */
export const nameMax = 63;
/** Longest text for people, in bytes. */
export const textMax = 120;

/** A datagram ends before its fields do, or has a field out of range. */
export class BoundsError extends Error {}

export class Writer {
  readonly #buffer = Buffer.allocUnsafe(datagramMax);
  #at = 0;

  get length(): number {
    return this.#at;
  }

  /** All its room; only the first `length` bytes are written. */
  get buffer(): Buffer {
    return this.#buffer;
  }

  /** A copy of what was written. */
  copy(): Buffer {
    const bytes = Buffer.allocUnsafe(this.#at);
    this.#buffer.copy(bytes, 0, 0, this.#at);
    return bytes;
  }

  /** Begins again at the front. */
  restart(): this {
    this.#at = 0;
    return this;
  }

  /** Changes a number that was written before. */
  patchU16(at: number, value: number): void {
    this.#buffer.writeUInt16LE(value, at);
  }

  u8(value: number): this {
    this.#at = this.#buffer.writeUInt8(clamp(value, 0xff), this.#at);
    return this;
  }

  u16(value: number): this {
    this.#at = this.#buffer.writeUInt16LE(clamp(value, 0xffff), this.#at);
    return this;
  }

  u32(value: number): this {
    this.#at = this.#buffer.writeUInt32LE(clamp(value, 0xffff_ffff), this.#at);
    return this;
  }

  u48(value: number): this {
    this.#at = this.#buffer.writeUIntLE(clamp(value, 0xffff_ffff_ffff), this.#at, 6);
    return this;
  }

  /** 64 bits given as 16 hex digits. */
  id(hex: string): this {
    this.#at += this.#buffer.write(hex.padStart(16, "0"), this.#at, 8, "hex");
    return this;
  }

  text(value: string, max: number): this {
    // Node writes whole characters only, so a longer text is cut between two.
    const length = this.#buffer.write(value, this.#at + 1, max, "utf8");
    this.u8(length);
    this.#at += length;
    return this;
  }

  list<T>(items: readonly T[], write: (item: T) => void): this {
    this.u8(items.length);
    for (const item of items) write(item);
    return this;
  }

  /** Characters of one byte each. */
  latin1(text: string): this {
    if (this.#at + text.length > datagramMax) throw new RangeError("datagram too long");
    this.#at += this.#buffer.write(text, this.#at, "latin1");
    return this;
  }

  raw(bytes: Uint8Array): this {
    if (this.#at + bytes.length > datagramMax) throw new RangeError("datagram too long");
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }
}

function clamp(value: number, max: number): number {
  return Math.min(max, Math.max(0, Math.round(value)));
}

export class Reader {
  #at: number;

  constructor(
    private readonly buffer: Buffer,
    start: number,
    private readonly end: number,
  ) {
    this.#at = start;
  }

  get done(): boolean {
    return this.#at === this.end;
  }

  u8(): number {
    return this.buffer.readUInt8(this.#take(1));
  }

  u16(): number {
    return this.buffer.readUInt16LE(this.#take(2));
  }

  u32(): number {
    return this.buffer.readUInt32LE(this.#take(4));
  }

  u48(): number {
    return this.buffer.readUIntLE(this.#take(6), 6);
  }

  id(): string {
    const at = this.#take(8);
    return this.buffer.toString("hex", at, at + 8);
  }

  raw(length: number): Uint8Array {
    const at = this.#take(length);
    return this.buffer.subarray(at, at + length);
  }

  text(max: number): string {
    const length = this.u8();
    if (length > max) throw new BoundsError("text too long");
    const at = this.#take(length);
    return this.buffer.toString("utf8", at, at + length);
  }

  /** A name of a host or a compatibility: printable, without blanks, since it is shown and given to commands. */
  name(): string {
    const length = this.u8();
    if (length > nameMax) throw new BoundsError("name too long");
    const at = this.#take(length);
    const name = this.buffer.toString("latin1", at, at + length);
    if (!/^[A-Za-z0-9._-]+$/.test(name) || name.startsWith("-")) throw new BoundsError("not a name");
    return name;
  }

  list<T>(max: number, read: () => T): T[] {
    const count = this.u8();
    if (count > max) throw new BoundsError("list too long");
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(read());
    return items;
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.end) throw new BoundsError("too short");
    this.#at += bytes;
    return at;
  }
}
