/** Reading and writing the mark in a file's ELF header. Whatever fails, the file stays as it was. */
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { ELF_HEAD_BYTES, ElfError, type ElfHeader, parseElf, requireMarkable, segmentsEnd } from "./elf.js";
import { hasCapabilities, replaceFlags, writeFlags } from "./mark-write.js";

const MASK = 0xff000000;
const TAG_MASK = 0xf0000000;
const TAG = 0x50000000;
/** Bits of a mark (native/include/pants.h). */
export const MIGRATABLE = 0x01000000;
export const NEVER = 0x02000000;
export const IDEMPOTENT = 0x04000000;

/** A file that was looked at. */
export interface Marked {
  /** The file behind all symbolic links. */
  readonly resolved: string;
  readonly machine: string;
  readonly bits: 32 | 64;
  /** MIGRATABLE | NEVER | IDEMPOTENT; 0 = not marked. */
  readonly mark: number;
  readonly changed: boolean;
}

/** What is to become of a mark. */
export type MarkChange = (mark: number) => number;

/** The mark in words, empty when there is none. */
export function markWords(mark: number): string[] {
  const words: string[] = [];
  if (mark & MIGRATABLE) words.push("migratable");
  if (mark & NEVER) words.push("never");
  if (mark & IDEMPOTENT) words.push("idempotent");
  return words;
}

/** The mark in e_flags; 0 when the bits are clear or somebody else's. */
export function markOf(flags: number): number {
  return (flags & TAG_MASK) >>> 0 === TAG ? flags & (MIGRATABLE | NEVER | IDEMPOTENT) : 0;
}

/** e_flags with another mark and every other bit kept. @throws {ElfError} when the mark's bits are not ours. */
export function withMark(flags: number, mark: number): number {
  if ((flags & MASK) !== 0 && (flags & TAG_MASK) >>> 0 !== TAG) {
    const value = (flags >>> 0).toString(16).padStart(8, "0");
    throw new ElfError(`uses the bits of the mark for something else (e_flags 0x${value})`);
  }
  return ((flags & ~MASK) | (mark === 0 ? 0 : TAG | mark)) >>> 0;
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  ENOTDIR: "does not exist: a part of its path is not a directory",
  EACCES: "cannot be read: permission denied",
  EPERM: "cannot be read: operation not permitted",
  ELOOP: "leads through too many symbolic links",
  ENAMETOOLONG: "is too long a name",
  ENXIO: "is not a regular file",
};

/** An open file with its header. */
interface Opened {
  readonly fd: number;
  readonly resolved: string;
  readonly stat: BigIntStats;
  readonly header: ElfHeader;
}

function withFile<T>(file: string, use: (opened: Opened) => T): T {
  let fd: number;
  let resolved: string;
  try {
    resolved = realpathSync(file);
    // A plain open of a FIFO would wait for a writer.
    fd = openSync(resolved, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    throw new ElfError(reasons[code] ?? `cannot be read: ${(error as Error).message}`, { cause: error });
  }
  try {
    const stat = fstatSync(fd, { bigint: true });
    if (stat.isDirectory()) throw new ElfError("is a directory");
    if (!stat.isFile()) throw new ElfError("is not a regular file");
    return use({ fd, resolved, stat, header: parseElf(readAt(fd, 0, ELF_HEAD_BYTES)) });
  } finally {
    closeSync(fd);
  }
}

function readAt(fd: number, position: number, length: number): Buffer {
  const into = Buffer.alloc(length);
  return into.subarray(0, readSync(fd, into, 0, length, position));
}

/** Looks at a file's mark. @throws {ElfError} */
export function readMark(file: string): Marked {
  return withFile(file, ({ resolved, header }) => describe(resolved, header, markOf(header.flags), false));
}

function describe(resolved: string, header: ElfHeader, mark: number, changed: boolean): Marked {
  return { resolved, machine: header.machineName, bits: header.bits, mark, changed };
}

/** Changes a file's mark; setting what is there already touches nothing. @throws {ElfError} */
export function changeMark(file: string, change: MarkChange): Marked {
  return withFile(file, ({ fd, resolved, stat, header }) => {
    requireMarkable(header, process.arch);
    requireWhole(fd, stat, header);
    const mark = change(markOf(header.flags));
    const flags = withMark(header.flags, mark);
    if (flags === header.flags >>> 0) return describe(resolved, header, mark, false);
    requireUnprivileged(resolved, stat, mark);
    const value = Buffer.alloc(4);
    if (header.littleEndian) value.writeUInt32LE(flags);
    else value.writeUInt32BE(flags);
    const edit = { fd, path: resolved, stat, value, offset: header.flagsOffset };
    if (!writeFlags(edit)) replaceFlags(edit);
    return describe(resolved, header, mark, true);
  });
}

/** A file cut short would only fail later, elsewhere and less clearly. */
function requireWhole(fd: number, stat: BigIntStats, header: ElfHeader): void {
  const { offset, size, count } = header.programHeaders;
  if (header.tablesEnd > stat.size) throw new ElfError("is a truncated ELF file");
  const table = count === 0 ? Buffer.alloc(0) : readAt(fd, Number(offset), size * count);
  if (segmentsEnd(header, table) > stat.size) throw new ElfError("is a truncated ELF file");
}

/** The shim never redirects a program that gains rights by being run, and a write would take the rights away. */
function requireUnprivileged(path: string, stat: BigIntStats, mark: number): void {
  const gains = stat.mode & 0o4000n ? "setuid" : stat.mode & 0o2000n ? "setgid" : "";
  if (mark & MIGRATABLE && gains !== "") throw new ElfError(`is ${gains}: it would never be run elsewhere`);
  if (!hasCapabilities(path)) return;
  throw new ElfError("has capabilities: it would never be run elsewhere, and writing to it would drop them");
}
