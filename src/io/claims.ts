/** What a job takes for granted about files: its working directory and the absolute paths in its arguments. */
import { type BigIntStats, statSync } from "node:fs";
import { type Claim, ClaimKind } from "../mux/spec.js";

/** Arguments beyond so many absolute paths are not looked at. */
const PATHS_MAX = 32;
const SLASH = 0x2f;
const DASH = 0x2d;
const EQUALS = 0x3d;

/** Files that are the same in meaning on every host. */
const everywhere = /^\/(dev\/(null|zero|full|u?random|tty|std(in|out|err)|fd\/.*)|proc\/self\/.*)$/;

/** Where an absolute path begins in an argument: at its start, after `=`, or after an option letter; -1 = nowhere. */
export function pathStart(arg: Buffer): number {
  if (arg[0] === SLASH) return 0;
  if (arg[0] === DASH && arg[2] === SLASH) return 2;
  const equals = arg.indexOf(EQUALS);
  return equals >= 0 && arg[equals + 1] === SLASH ? equals + 1 : -1;
}

/** The claims of a job, working directory first; undefined when that does not exist. */
export function claimsOf(cwd: Buffer, argv: readonly Buffer[]): Claim[] | undefined {
  const here = claimAt(cwd);
  if (here === undefined) return undefined;
  const claims = [here];
  for (let i = 1; i < argv.length && claims.length <= PATHS_MAX; i++) {
    const arg = argv[i];
    if (arg === undefined) break;
    const start = pathStart(arg);
    if (start < 0) continue;
    const path = arg.subarray(start);
    if (path.length < 32 && everywhere.test(path.toString("latin1"))) continue;
    const claim = claimAt(path) ?? claimAt(parentOf(path));
    if (claim !== undefined) claims.push(claim);
  }
  return claims;
}

/** A claim about what is at a path now; undefined when nothing is. */
export function claimAt(path: Buffer): Claim | undefined {
  let stat: BigIntStats | undefined;
  try {
    stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined; // ENAMETOOLONG, ELOOP, EACCES: no path that the program could use
  }
  if (stat === undefined) return undefined;
  const kind = stat.isDirectory() ? ClaimKind.DIRECTORY : stat.isFile() ? ClaimKind.FILE : ClaimKind.OTHER;
  const { dev, ino, size, mtimeNs } = stat;
  return { kind, path, dev, ino, size, mtimeNs };
}

/** The directory that holds a path. */
export function parentOf(path: Buffer): Buffer {
  let end = path.length;
  while (end > 1 && path[end - 1] === SLASH) end--;
  const slash = path.lastIndexOf(SLASH, end - 1);
  return path.subarray(0, Math.max(slash, 1));
}
