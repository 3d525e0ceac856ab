/** How four bytes get into a program's header: in place where possible, else by a copy that takes its place. */
import { spawnSync } from "node:child_process";
import {
  type BigIntStats,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { ElfError } from "./elf.js";

/** Bytes to put into a file that is open for reading and was found to be in order. */
export interface Edit {
  readonly fd: number;
  readonly path: string;
  readonly stat: BigIntStats;
  readonly value: Buffer;
  readonly offset: number;
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EROFS: "the file system is read-only",
  ENOSPC: "no space left on the file system",
  EDQUOT: "the disk quota is used up",
  EIO: "input/output error",
};

function failure(what: string, error: unknown): ElfError {
  if (error instanceof ElfError) return error;
  const { code = "", message } = error as NodeJS.ErrnoException;
  return new ElfError(`${what}: ${reasons[code] ?? message}`, { cause: error });
}

/**
 * Writes in place, so that hard links keep the mark; times and mode are put back. False when the program is running
 * and the kernel refuses (ETXTBSY).
 */
export function writeFlags(edit: Edit): boolean {
  try {
    // Nobody can exec the file while it is open for writing: the writer lives for one write only.
    const writer = openSync(edit.path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      const now = fstatSync(writer, { bigint: true });
      if (now.ino !== edit.stat.ino || now.dev !== edit.stat.dev)
        throw new ElfError("was replaced meanwhile");
      writeSync(writer, edit.value, 0, edit.value.length, edit.offset);
    } finally {
      closeSync(writer);
    }
    fsyncSync(edit.fd);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ETXTBSY") return false;
    throw failure("cannot be written", error);
  }
  // A write by someone who is not root takes setuid and setgid away.
  if (fstatSync(edit.fd, { bigint: true }).mode !== edit.stat.mode)
    fchmodSync(edit.fd, Number(edit.stat.mode & 0o7777n));
  restoreTimes(edit.path, edit.stat);
  return true;
}

/** Puts a changed copy in the file's place; whoever runs the old one goes on with it. @throws {ElfError} */
export function replaceFlags(edit: Edit): void {
  const { path, stat } = edit;
  if (stat.nlink > 1n) {
    const more = stat.nlink - 1n;
    throw new ElfError(
      `is running and has ${more} other hard link${more === 1n ? "" : "s"} that a replacement would leave behind: ` +
        "try again when it is not running",
    );
  }
  const copy = join(dirname(path), `.${basename(path).slice(0, 200)}.pants-${process.pid}`);
  let made = false;
  try {
    copyFileSync(path, copy, constants.COPYFILE_EXCL);
    made = true;
    chownSync(copy, Number(stat.uid), Number(stat.gid));
    const fd = openSync(copy, constants.O_WRONLY | constants.O_NOFOLLOW);
    try {
      writeSync(fd, edit.value, 0, edit.value.length, edit.offset);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    chmodSync(copy, Number(stat.mode & 0o7777n));
    restoreTimes(copy, stat);
    const now = statSync(path, { bigint: true });
    if (now.ino !== stat.ino || now.mtimeNs !== stat.mtimeNs) throw new ElfError("was replaced meanwhile");
    renameSync(copy, path);
  } catch (error) {
    if (made || (error as NodeJS.ErrnoException).code !== "EEXIST") rmSync(copy, { force: true });
    throw failure("is running, and a copy cannot take its place", error);
  }
}

/** Times as they were: make decides by them. Only the owner may; another writer leaves the new ones. */
function restoreTimes(path: string, { atimeNs, mtimeNs }: BigIntStats): void {
  try {
    utimesSync(path, Number(atimeNs) / 1e9, Number(mtimeNs) / 1e9);
  } catch {
    return;
  }
  // Node counts in microseconds at best; touch knows nanoseconds.
  if (statSync(path, { bigint: true }).mtimeNs === mtimeNs) return;
  const at = (ns: bigint): string =>
    `@${ns / 1_000_000_000n}.${String(ns % 1_000_000_000n).padStart(9, "0")}`;
  spawnSync("touch", ["-c", "-a", "-d", at(atimeNs), path], { stdio: "ignore" });
  spawnSync("touch", ["-c", "-m", "-d", at(mtimeNs), path], { stdio: "ignore" });
}

/** Whether a file has capabilities (setcap), as far as a tool here can tell. */
export function hasCapabilities(path: string): boolean {
  const env = { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin:/usr/bin:/bin` };
  const getcap = spawnSync("getcap", [path], { env, encoding: "utf8" });
  if (getcap.error === undefined) return getcap.stdout.trim() !== "";
  const getfattr = spawnSync("getfattr", ["-h", "-n", "security.capability", path], { env, stdio: "ignore" });
  return getfattr.error === undefined && getfattr.status === 0;
}
