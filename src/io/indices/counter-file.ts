/** Files of counters in /proc, /sys and control groups: kept open, read anew into one buffer, parsed in place. */
import { closeSync, openSync, readSync } from "node:fs";

const ZERO = 0x30;
const NINE = 0x39;
const SPACE = 0x20;
const NEWLINE = 0x0a;

/**
 * A read that brought less than this was the last: the kernel fills a page as far as whole records go, and no file that
 * has several has one so long.
 */
const shortRead = 2048;

/** What was read last, by whichever file: nothing is copied, so it is to be used before the next read. */
let bytes = Buffer.alloc(16_384);

export class CounterFile {
  #fd = -1;
  #length = 0;
  #at = 0;

  constructor(readonly path: string) {}

  /** Reads the file from its beginning; false when it is not there, or cannot be read. */
  read(): boolean {
    this.#at = 0;
    try {
      if (this.#fd < 0) this.#fd = openSync(this.path, "r");
      this.#length = 0;
      for (;;) {
        const n = readSync(this.#fd, bytes, this.#length, bytes.length - this.#length, this.#length);
        this.#length += n;
        if (n < shortRead && this.#length < bytes.length) return true;
        if (this.#length === bytes.length) bytes = Buffer.concat([bytes, Buffer.alloc(bytes.length)]);
      }
    } catch {
      this.close();
      return false;
    }
  }

  /** All of it. */
  text(): string {
    return bytes.toString("latin1", 0, this.#length);
  }

  /** To just behind the next occurrence of `key` that begins a line; false when there is none. */
  line(key: Buffer): boolean {
    for (let at = 0; ; at += 1) {
      at = bytes.indexOf(key, at);
      if (at < 0 || at + key.length > this.#length) return false;
      if (at > 0 && bytes[at - 1] !== NEWLINE) continue;
      this.#at = at + key.length;
      return true;
    }
  }

  /** To just behind the next occurrence of `key`, on this line or a later one. */
  behind(key: Buffer): boolean {
    const at = bytes.indexOf(key, this.#at);
    if (at < 0 || at + key.length > this.#length) return false;
    this.#at = at + key.length;
    return true;
  }

  /** To the beginning of the next line; false at the end. */
  nextLine(): boolean {
    const at = bytes.indexOf(NEWLINE, this.#at);
    if (at < 0 || at + 1 >= this.#length) return false;
    this.#at = at + 1;
    return true;
  }

  /** The next number on this line, whatever stands before it; null when there is none. */
  number(): number | null {
    let at = this.#at;
    while (at < this.#length && !isDigit(bytes[at]) && bytes[at] !== NEWLINE) at += 1;
    if (at >= this.#length || bytes[at] === NEWLINE) return null;
    let value = 0;
    for (; at < this.#length && isDigit(bytes[at]); at += 1)
      value = value * 10 + ((bytes[at] ?? ZERO) - ZERO);
    this.#at = at;
    return value;
  }

  /** The next word on this line, up to a space, a newline or `end`; empty when there is none. */
  word(end = SPACE): string {
    let from = this.#at;
    while (from < this.#length && bytes[from] === SPACE) from += 1;
    let to = from;
    while (to < this.#length && bytes[to] !== SPACE && bytes[to] !== NEWLINE && bytes[to] !== end) to += 1;
    this.#at = to;
    return bytes.toString("latin1", from, to);
  }

  /** The number behind `key` among the words that are left on this line; null when there is none. Stays where it is. */
  value(key: string): number | null {
    const end = bytes.indexOf(NEWLINE, this.#at);
    const line = bytes.toString("latin1", this.#at, end < 0 || end > this.#length ? this.#length : end);
    const word = line.split(" ").find((one) => one.startsWith(key));
    const value = word === undefined ? Number.NaN : Number.parseInt(word.slice(key.length), 10);
    return Number.isFinite(value) ? value : null;
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }
}

/** A small file's text, or empty: for files of processes, which come and go; at most 4 KiB. */
export function readSmall(path: string): string {
  let fd = -1;
  try {
    fd = openSync(path, "r");
    return bytes.toString("latin1", 0, readSync(fd, bytes, 0, 4096, 0));
  } catch {
    return "";
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

/** So many at once; more are opened for each reading. */
const keptMax = 100;

/** Small files of processes, most of them the same from one round to the next: those stay open. */
export class ReadAgain {
  /** Open, or to be opened when they are asked for again: as of the last round, and of this one. */
  #known = new Map<string, CounterFile>();
  #asked = new Map<string, CounterFile>();

  /** Its text, or empty. */
  text(path: string): string {
    const known = this.#known.get(path);
    if (!known && this.#asked.size >= keptMax) return readSmall(path);
    const file = known ?? new CounterFile(path);
    this.#known.delete(path);
    this.#asked.set(path, file);
    if (!known) return readSmall(path);
    return file.read() ? file.text() : "";
  }

  /** Ends a round: what was not asked for in it is closed. */
  closeOthers(): void {
    for (const file of this.#known.values()) file.close();
    this.#known = this.#asked;
    this.#asked = new Map();
  }

  close(): void {
    this.closeOthers();
    this.closeOthers();
  }
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= ZERO && byte <= NINE;
