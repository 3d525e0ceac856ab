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

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#at);
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
    let bytes = Buffer.from(value, "utf8");
    // Cut between characters: a continuation byte starts with the bits 10.
    let end = Math.min(bytes.length, max);
    while (end < bytes.length && end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
    bytes = bytes.subarray(0, end);
    this.u8(bytes.length);
    this.#at += bytes.copy(this.#buffer, this.#at);
    return this;
  }

  list<T>(items: readonly T[], write: (item: T) => void): this {
    this.u8(items.length);
    for (const item of items) write(item);
    return this;
  }

  raw(bytes: Buffer): this {
    if (this.#at + bytes.length > datagramMax) throw new RangeError("datagram too long");
    this.#at += bytes.copy(this.#buffer, this.#at);
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

  get offset(): number {
    return this.#at;
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

  text(max: number): string {
    const length = this.u8();
    if (length > max) throw new BoundsError("text too long");
    const at = this.#take(length);
    return this.buffer.toString("utf8", at, at + length);
  }

  /** A name of a host or a compatibility: printable, without blanks, since it is shown and given to commands. */
  name(): string {
    const name = this.text(nameMax);
    if (!/^[A-Za-z0-9._-]+$/.test(name) || name.startsWith("-")) throw new BoundsError("not a name");
    return name;
  }

  list<T>(max: number, read: () => T): T[] {
    const count = this.u8();
    if (count > max) throw new BoundsError("list too long");
    return Array.from({ length: count }, read);
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.end) throw new BoundsError("too short");
    this.#at += bytes;
    return at;
  }
}
