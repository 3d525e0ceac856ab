/**
 * What a program is, whatever file system it lies on: its build id and size, else a hash of its content without the
 * mark. Both ends of a link compare these before anything is started.
 */
import { createHash } from "node:crypto";
import { type BigIntStats, closeSync, fstatSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import { ELF_HEAD_BYTES, parseElf } from "./elf.js";
import { native } from "./native.js";

const NT_GNU_BUILD_ID = 3;
const PT_NOTE = 4;
const NOTES_MAX = 64 * 1024;
const CACHE_MAX = 512;
const CHUNK = 1024 * 1024;

interface Known {
  readonly stamp: string;
  readonly identity: string;
}

const known = new Map<string, Known>();

/** Changes whenever the file could have. */
export function stampOf(s: BigIntStats): string {
  return `${s.dev}:${s.ino}:${s.size}:${s.mtimeNs}:${s.ctimeNs}`;
}

/** Identity of the program at a path, or "" when there is none that can be read. Cached until the file changes. */
export function identify(path: Buffer): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (!stat?.isFile()) return "";
  const key = path.toString("latin1");
  const stamp = stampOf(stat);
  const hit = known.get(key);
  if (hit?.stamp === stamp) return hit.identity;
  let identity: string;
  try {
    identity = readIdentity(path);
  } catch {
    return "";
  }
  if (known.size >= CACHE_MAX) known.delete(known.keys().next().value ?? "");
  known.set(key, { stamp, identity });
  return identity;
}

/** Asks the server of a network file system about a file, whatever our kernel has cached of it. False: it is not there. */
export function fetchAnew(path: Buffer): boolean {
  try {
    return native.sizeNow(realpathSync(path, "buffer")) >= 0;
  } catch {
    return false;
  }
}

function readIdentity(path: Buffer): string {
  const fd = openSync(path, "r");
  try {
    const size = fstatSync(fd).size;
    const id = buildId(fd);
    return id === "" ? `sha256:${hashContent(fd, true)}` : `build:${id}:${size}`;
  } finally {
    closeSync(fd);
  }
}

/** SHA-256 of a file's content, or undefined when it cannot be read or is longer than `max`. */
export function hashFile(path: Buffer, max: number): Buffer | undefined {
  try {
    const fd = openSync(path, "r");
    try {
      const stat = fstatSync(fd);
      return stat.isFile() && stat.size <= max ? Buffer.from(hashContent(fd, false), "hex") : undefined;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

/** The GNU build id in hex, or "" for a file without one. */
function buildId(fd: number): string {
  const head = Buffer.alloc(ELF_HEAD_BYTES);
  const got = readSync(fd, head, 0, head.length, 0);
  let elf: ReturnType<typeof parseElf>;
  try {
    elf = parseElf(head.subarray(0, got));
  } catch {
    return "";
  }
  if (elf.bits !== 64 || !elf.littleEndian) return "";
  const { offset, size, count } = elf.programHeaders;
  if (size !== 56 || count > 256) return "";
  const table = Buffer.alloc(size * count);
  if (readSync(fd, table, 0, table.length, Number(offset)) < table.length) return "";
  for (let at = 0; at < table.length; at += size) {
    if (table.readUInt32LE(at) !== PT_NOTE) continue;
    const length = Math.min(Number(table.readBigUInt64LE(at + 32)), NOTES_MAX);
    const notes = Buffer.alloc(length);
    const read = readSync(fd, notes, 0, length, Number(table.readBigUInt64LE(at + 8)));
    const id = findBuildId(notes.subarray(0, read));
    if (id !== "") return id;
  }
  return "";
}

function findBuildId(notes: Buffer): string {
  for (let at = 0; at + 12 <= notes.length; ) {
    const nameSize = notes.readUInt32LE(at);
    const size = notes.readUInt32LE(at + 4);
    const name = at + 12;
    const body = name + align4(nameSize);
    if (
      notes.readUInt32LE(at + 8) === NT_GNU_BUILD_ID &&
      notes.toString("latin1", name, name + 3) === "GNU"
    ) {
      return notes.toString("hex", body, body + size);
    }
    at = body + align4(size);
  }
  return "";
}

const align4 = (n: number): number => (n + 3) & ~3;

/** SHA-256 in hex; `unmarked`: as if e_flags (bytes 48 to 51) were zero. */
function hashContent(fd: number, unmarked: boolean): string {
  const hash = createHash("sha256");
  const chunk = Buffer.alloc(CHUNK);
  for (let at = 0; ; ) {
    const n = readSync(fd, chunk, 0, CHUNK, at);
    if (n === 0) break;
    if (unmarked && at === 0 && n >= 52 && chunk.readUInt32BE(0) === 0x7f454c46) chunk.fill(0, 48, 52);
    hash.update(chunk.subarray(0, n));
    at += n;
  }
  return hash.digest("hex");
}
