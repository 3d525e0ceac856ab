/**
 * A bounded file of records of one size; the newest takes the place of the oldest. Each carries a sequence number and a
 * checksum, so that a record that was cut by a crash is no record.
 */
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";

/** Says which kind of record a file holds, and in which version. */
export interface RingFormat {
  /** Eight characters. */
  readonly magic: string;
  /** Bytes of a record's own content. */
  readonly size: number;
}

const headerSize = 32;
/** Sequence number before the content, checksum behind it. */
const frame = 12;

function header({ magic, size }: RingFormat, capacity: number): Buffer {
  const bytes = Buffer.alloc(headerSize);
  bytes.write(magic.padEnd(8).slice(0, 8), 0, "latin1");
  bytes.writeUInt32LE(size, 8);
  bytes.writeUInt32LE(capacity, 12);
  return bytes;
}

/** FNV-1a, 32 bits: finds what was torn, not what was forged. */
function checksum(bytes: Buffer, from: number, to: number): number {
  let sum = 0x811c9dc5;
  for (let at = from; at < to; at += 1) sum = Math.imul(sum ^ (bytes[at] ?? 0), 0x01000193);
  return sum >>> 0;
}

export class RingWriter {
  readonly #fd: number;
  readonly #record: Buffer;
  #next: number;

  /** Opens the file, or makes it; one of another format or capacity begins anew. @throws {Error} of the system. */
  constructor(
    file: string,
    private readonly format: RingFormat,
    private readonly capacity: number,
  ) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
    this.#fd = openSync(file, "a+", 0o644);
    closeSync(this.#fd);
    this.#fd = openSync(file, "r+");
    this.#record = Buffer.alloc(format.size + frame);
    const wanted = header(format, capacity);
    const found = Buffer.alloc(headerSize);
    const same = readSync(this.#fd, found, 0, headerSize, 0) === headerSize && found.equals(wanted);
    if (!same) {
      ftruncateSync(this.#fd, 0);
      writeSync(this.#fd, wanted, 0, headerSize, 0);
    }
    this.#next = same ? lastSeq(readFileSync(this.#fd), format) + 1 : 1;
  }

  /** @param fill - writes the content. @throws {Error} of the system: nothing else is lost, the next one may succeed. */
  append(fill: (content: Buffer) => void): void {
    const { size } = this.format;
    const record = this.#record;
    record.fill(0);
    record.writeBigUInt64LE(BigInt(this.#next), 0);
    fill(record.subarray(8, 8 + size));
    record.writeUInt32LE(checksum(record, 0, 8 + size), 8 + size);
    const at = headerSize + (this.#next % this.capacity) * record.length;
    writeSync(this.#fd, record, 0, record.length, at);
    this.#next += 1;
  }

  /** Bytes of the file now. */
  get bytes(): number {
    return fstatSync(this.#fd).size;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Contents of a file's whole records, oldest first; none when it is of another format. */
export function readRing(bytes: Buffer, format: RingFormat): Buffer[] {
  if (bytes.length < headerSize || !sameFormat(bytes, format)) return [];
  return [...records(bytes, format)].sort((a, b) => a.seq - b.seq).map(({ content }) => content);
}

function sameFormat(bytes: Buffer, format: RingFormat): boolean {
  return bytes.subarray(0, 12).equals(header(format, 0).subarray(0, 12));
}

function lastSeq(bytes: Buffer, format: RingFormat): number {
  let last = 0;
  for (const { seq } of records(bytes, format)) last = Math.max(last, seq);
  return last;
}

function* records(bytes: Buffer, { size }: RingFormat): Generator<{ seq: number; content: Buffer }> {
  for (let at = headerSize; at + size + frame <= bytes.length; at += size + frame) {
    const seq = Number(bytes.readBigUInt64LE(at));
    if (seq === 0 || checksum(bytes, at, at + 8 + size) !== bytes.readUInt32LE(at + 8 + size)) continue;
    yield { seq, content: bytes.subarray(at + 8, at + 8 + size) };
  }
}
