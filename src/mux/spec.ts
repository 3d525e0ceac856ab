/** What an agent needs to know to start a program as it would have been started at home. */
import type { Buffer } from "node:buffer";
import { Reader, Writer } from "./bytes.js";
import type { Environment } from "./environment.js";
import { LinkFault } from "./errors.js";
import { decodeFiles, encodeFiles, type OpenFile } from "./open-file.js";

export const SpecFlag = {
  /** A host asked for by name: run also without a slot table, and wait for a slot. */
  BY_NAME: 1,
  /** Home's kernel may have cached what the program will change: the status is to say which files that were. */
  TELL_CHANGED: 2,
  /** The program leads its process group, its session. */
  LEADS_GROUP: 0x100,
  LEADS_SESSION: 0x200,
  /** Its scheduling class. */
  BATCH: 0x400,
  IDLE: 0x800,
  /** The bits that are in a stand-in's request too. */
  ATTRIBUTES: 0x0f00,
} as const;

export const ClaimKind = { DIRECTORY: 1, FILE: 2, OTHER: 3 } as const;

/** Something that must be the same on both hosts, as home sees it. */
export interface Claim {
  readonly kind: number;
  readonly path: Buffer;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

export interface JobSpec {
  readonly flags: number;
  /** How long the job may wait for a slot there, ms. */
  readonly waitMs: number;
  /** Memory that it is expected to take, MiB; 0: little, or not known. */
  readonly memoryMb: number;
  readonly umask: number;
  readonly nice: number;
  /** I/O class and level as ioprio_get(2) tells them, 16 bits; 0: never set. */
  readonly ioPriority: number;
  readonly ignored: bigint;
  readonly blocked: bigint;
  readonly rlimits: readonly (readonly [bigint, bigint])[];
  /** Every descriptor that is not named is closed. */
  readonly files: readonly OpenFile[];
  readonly compat: string;
  /** Identity of the program (src/io/identity.ts). */
  readonly identity: string;
  readonly cwd: Buffer;
  readonly path: Buffer;
  readonly argv: readonly Buffer[];
  readonly env: Environment;
  /** The working directory first, then the absolute paths in argv. */
  readonly claims: readonly Claim[];
}

const CLAIMS_MAX = 64;
const RLIMITS_MAX = 32;

export function encodeSpec(spec: JobSpec): Buffer {
  const w = new Writer();
  w.u16(spec.flags)
    .u16(spec.ioPriority)
    .u32(spec.waitMs)
    .u32(spec.memoryMb)
    .u32(spec.umask)
    .u32(spec.nice)
    .u64(spec.ignored)
    .u64(spec.blocked);
  w.u8(spec.rlimits.length);
  for (const [soft, hard] of spec.rlimits) w.u64(soft).u64(hard);
  encodeFiles(w, spec.files);
  w.text(spec.compat).text(spec.identity).string(spec.cwd).string(spec.path);
  w.list(spec.argv).environment(spec.env);
  w.u8(spec.claims.length);
  for (const c of spec.claims) w.u8(c.kind).u64(c.dev).u64(c.ino).u64(c.size).u64(c.mtimeNs).string(c.path);
  return w.done();
}

/** @throws {LinkFault} */
export function decodeSpec(bytes: Buffer): JobSpec {
  const r = new Reader(bytes);
  const head = {
    flags: r.u16(),
    ioPriority: r.u16(),
    waitMs: r.u32(),
    memoryMb: r.u32(),
    umask: r.u32(),
    nice: r.i32(),
    ignored: r.u64(),
    blocked: r.u64(),
  };
  const rlimits = times(r.u8(), RLIMITS_MAX, () => [r.u64(), r.u64()] as const);
  const files = decodeFiles(r);
  const compat = r.text();
  const identity = r.text();
  const cwd = pathString(r);
  const path = pathString(r);
  const argv = r.list();
  const env = r.environment();
  const claims = times(r.u8(), CLAIMS_MAX, () => {
    const kind = r.u8();
    const [dev, ino, size, mtimeNs] = [r.u64(), r.u64(), r.u64(), r.u64()];
    return { kind, dev, ino, size, mtimeNs, path: pathString(r) };
  });
  r.end();
  if (claims.length === 0) throw new LinkFault("content", "no working directory to check");
  for (const s of argv) if (s.includes(0)) throw new LinkFault("content", "NUL in a string");
  return { ...head, rlimits, files, compat, identity, cwd, path, argv, env, claims };
}

/** An absolute path without NUL. */
function pathString(r: Reader): Buffer {
  const path = r.string();
  if (path[0] !== 0x2f || path.includes(0)) throw new LinkFault("content", "not an absolute path");
  return path;
}

function times<T>(count: number, max: number, read: () => T): T[] {
  if (count > max) throw new LinkFault("content", `${count} is more than ${max}`);
  return Array.from({ length: count }, read);
}
