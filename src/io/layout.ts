/**
 * native/include/pants.h for TypeScript: the state record, what the stand-in and prexd tell each other, and the
 * numbers that the record of decisions uses. test/io/layout.test.ts holds both equal, byte for byte. Decoders take
 * what anybody may have written: they answer null, and never throw.
 */
import { Buffer } from "node:buffer";
import { type Cause, causes } from "../core/policy/policy.js";
import { Environment } from "../mux/environment.js";

/** enum pants_index: the load index that is over its threshold. */
export const Index = {
  NONE: 0,
  CPU: 1,
  IO: 2,
  CTXT: 3,
  MEMORY: 4,
  INTR: 5,
  NET: 6,
  IO_PRESSURE: 7,
  MEMORY_PRESSURE: 8,
  DISK_BUSY: 9,
  SWAPPING: 10,
  ROOM: 11,
  OWNER: 12,
} as const;

/** enum pants_where. */
export const Where = { HERE: 0, REMOTE: 1 } as const;

/** enum pants_reason. */
export const Why = {
  NONE: 0,
  SLOT: 1,
  LENT: 2,
  GUEST: 3,
  NO_DAEMON: 4,
  NO_REMOTE: 5,
  NO_STANDIN: 6,
  UNFIT: 7,
  NO_HELPER: 8,
  REFUSED: 9,
  FAULT: 10,
  REMOTE_BUSY: 11,
  REMOTE_FULL: 12,
  BY_HAND: 13,
  LOST: 14,
  RERUN: 15,
  ALWAYS: 16,
  REMOTE_FIRST: 17,
} as const;
const WHY_WORDS = [
  "",
  "this host was free",
  "inside its parent's slot",
  "part of a job for another host",
  "no pantsd on this host",
  "busy, but no other host could help",
  "prex is not installed beside libprex.so",
  "cannot be carried",
  "prexd was not running",
  "refused",
  "a fault before the start",
  "this host was busy",
  "every slot here was taken",
  "asked for with prex",
  "lost after its start",
  "lost, then run again",
  "PANTS_POLICY=always",
  "other hosts were at hand",
];

/** Words for a reason, as `pants why` shows them. */
export const whyWords = (reason: number): string => WHY_WORDS[reason] ?? `reason ${reason}`;
/** Name of what made a host busy, as the configuration spells it; empty for none. */
export const indexName = (index: number): string =>
  index === Index.NONE ? "" : (causes[index - 1] ?? `index ${index}`);
/** The number of what made a host busy. */
export const indexOf = (cause: Cause | null): number =>
  cause === null ? Index.NONE : causes.indexOf(cause) + 1;

export const STATE_MAGIC = 0x54534e50;
export const STATE_VERSION = 1;
export const STATE_SIZE = 64;
/** A record older than so many of its intervals means: no daemon. */
export const STATE_STALE_INTERVALS = 3;
export const SLOT_CAPACITY = 256;
export const WHY_CAPACITY = 512;

/** struct pants_state: what the shim reads to decide. */
export interface State {
  /** Grows by one at each write, modulo 2^32. */
  readonly seq: number;
  readonly intervalMs: number;
  /** CLOCK_BOOTTIME. */
  readonly writtenNs: bigint;
  readonly busy: boolean;
  /** One of Index: what is over its threshold. */
  readonly index: number;
  /** False: nobody can help before `remoteAfterNs`. */
  readonly remote: boolean;
  /** Of the programs in slots and beside them so many used no CPU in the last interval. */
  readonly sleeping: number;
  readonly slotsTotal: number;
  /** CLOCK_BOOTTIME. */
  readonly remoteAfterNs: bigint;
  /** Of pantsd. */
  readonly pid: number;
  /** In hundredths of the index's unit. */
  readonly indexValue: number;
  readonly indexThreshold: number;
  /** Memory that jobs may still take, MiB; 0: not known. */
  readonly availableMb: number;
  /** The host's namespaces and root (place.ts); 0: not known. */
  readonly place: number;
}

export function encodeState(state: State): Buffer {
  const bytes = Buffer.alloc(STATE_SIZE);
  bytes.writeUInt32LE(STATE_MAGIC, 0);
  bytes.writeUInt16LE(STATE_VERSION, 4);
  bytes.writeUInt16LE(STATE_SIZE, 6);
  bytes.writeUInt32LE(state.seq >>> 0, 8);
  bytes.writeUInt32LE(state.intervalMs, 12);
  bytes.writeBigUInt64LE(state.writtenNs, 16);
  bytes.writeUInt8(state.busy ? 1 : 0, 24);
  bytes.writeUInt8(state.index, 25);
  bytes.writeUInt8(state.remote ? 1 : 0, 26);
  bytes.writeUInt8(Math.min(0xff, state.sleeping), 27);
  bytes.writeUInt32LE(state.slotsTotal, 28);
  bytes.writeBigUInt64LE(state.remoteAfterNs, 32);
  bytes.writeInt32LE(state.pid, 40);
  bytes.writeUInt32LE(hundredths(state.indexValue), 44);
  bytes.writeUInt32LE(hundredths(state.indexThreshold), 48);
  bytes.writeUInt32LE(Math.min(0xffff_ffff, state.availableMb), 52);
  bytes.writeUInt32LE(state.place, 56);
  bytes.writeUInt32LE(state.seq >>> 0, 60);
  return bytes;
}

/** An index may be anything that was measured: what the field cannot hold becomes its nearest. */
const hundredths = (value: number): number => Math.min(0xffff_ffff, Math.max(0, Math.round(value) || 0));

/** Null: torn, of another version, or no state record at all. */
export function decodeState(bytes: Buffer): State | null {
  if (bytes.length < STATE_SIZE || bytes.readUInt32LE(0) !== STATE_MAGIC) return null;
  if (bytes.readUInt16LE(4) !== STATE_VERSION || bytes.readUInt16LE(6) !== STATE_SIZE) return null;
  const seq = bytes.readUInt32LE(8);
  if (bytes.readUInt32LE(60) !== seq) return null;
  return {
    seq,
    intervalMs: bytes.readUInt32LE(12),
    writtenNs: bytes.readBigUInt64LE(16),
    busy: bytes.readUInt8(24) !== 0,
    index: bytes.readUInt8(25),
    remote: bytes.readUInt8(26) !== 0,
    sleeping: bytes.readUInt8(27),
    slotsTotal: bytes.readUInt32LE(28),
    remoteAfterNs: bytes.readBigUInt64LE(32),
    pid: bytes.readInt32LE(40),
    indexValue: bytes.readUInt32LE(44),
    indexThreshold: bytes.readUInt32LE(48),
    availableMb: bytes.readUInt32LE(52),
    place: bytes.readUInt32LE(56),
  };
}

/** Whether the daemon that wrote a record still writes. */
export function isFresh(state: State, nowNs: bigint): boolean {
  return nowNs - state.writtenNs <= BigInt(state.intervalMs) * BigInt(STATE_STALE_INTERVALS) * 1_000_000n;
}

/** enum pants_msg_type. */
export const Msg = {
  RUN: 1,
  SIGNAL: 2,
  QUERY: 3,
  HELLO: 4,
  READY: 64,
  HERE: 65,
  STARTED: 66,
  EXIT: 67,
  LOST: 68,
  JSON: 69,
  STOPPED: 70,
  CHANGED: 71,
  CLOSED: 72,
} as const;

export const MSG_MAGIC = 0x58525050;
export const MSG_VERSION = 1;
export const MSG_HEADER = 16;
export const MSG_LENGTH_MAX = 8 << 20;
/** Bytes of payload that a stand-in takes. */
export const PART_MAX = 4096;
/** In SIGNAL's value: the terminal sent it, to the whole process group. */
export const SIGNAL_FROM_TTY = 0x100;

/** PANTS_RUN_*. */
export const RunFlag = {
  IDEMPOTENT: 1,
  BY_HAND: 2,
  BUSY: 4,
  ALWAYS: 8,
  FIRST: 16,
  // as in a specification (src/mux/spec.ts)
  LEADS_GROUP: 0x100,
  LEADS_SESSION: 0x200,
  BATCH: 0x400,
  IDLE: 0x800,
  TERMINAL: 0x1000,
} as const;

/** Timing of a link, ms: PANTS_LINK_*. */
export const LINK_PING_MS = 2500;
export const LINK_TERM_MS = 8000;
export const LINK_KILL_MS = 10_000;
export const LINK_DEAD_MS = 12_000;
/** Links are looked at every second; so long after the last one a look is late (src/io/looks.ts). */
export const LINK_LATE_MS = 2500;

/** struct pants_msg without what never varies. */
export interface MsgHeader {
  readonly type: number;
  /** Bytes of payload that follow. */
  readonly length: number;
  /** Signal number, wait status, reason, ...; 32 bits. */
  readonly value: number;
}

/** A whole message. @throws {RangeError} when the payload is longer than MSG_LENGTH_MAX. */
export function encodeMsg(type: number, value = 0, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  if (payload.length > MSG_LENGTH_MAX) throw new RangeError(`message of ${payload.length} bytes`);
  const bytes = Buffer.alloc(MSG_HEADER + payload.length);
  bytes.writeUInt32LE(MSG_MAGIC, 0);
  bytes.writeUInt16LE(MSG_VERSION, 4);
  bytes.writeUInt16LE(type, 6);
  bytes.writeUInt32LE(payload.length, 8);
  bytes.writeUInt32LE(value >>> 0, 12);
  bytes.set(payload, MSG_HEADER);
  return bytes;
}

/** Null: no message of ours, or longer than allowed. Needs MSG_HEADER bytes; the payload may be still to come. */
export function decodeMsg(bytes: Buffer): MsgHeader | null {
  if (bytes.length < MSG_HEADER || bytes.readUInt32LE(0) !== MSG_MAGIC) return null;
  if (bytes.readUInt16LE(4) !== MSG_VERSION) return null;
  const length = bytes.readUInt32LE(8);
  if (length > MSG_LENGTH_MAX) return null;
  return { type: bytes.readUInt16LE(6), length, value: bytes.readUInt32LE(12) };
}

/** struct pants_run and its strings. */
export interface Run {
  /** RunFlag bits. */
  readonly flags: number;
  readonly umask: number;
  /** Descriptors that were open, ascending; they came along in this order. */
  readonly fds: readonly number[];
  readonly nice: number;
  readonly ignored: bigint;
  readonly blocked: bigint;
  /** Soft and hard by RLIMIT_ number; ~0 in 64 bits = unlimited. */
  readonly rlimits: readonly (readonly [bigint, bigint])[];
  readonly cwd: Buffer;
  readonly path: Buffer;
  /** Where to run it, empty unless asked for by hand. */
  readonly host: Buffer;
  /** Empty, or "HOST LINK" that must be certainly dead first. */
  readonly after: Buffer;
  readonly argv: readonly Buffer[];
  readonly env: Environment;
}

export const RUN_FIXED = 312;
/** Descriptors that one job carries at most. */
export const FDS_MAX = 16;
export const RUN_RLIMITS = 16;
const RUN_RLIMITS_AT = 40;
const RUN_FDS_AT = 296;

export function encodeRun(run: Run): Buffer {
  const fixed = Buffer.alloc(RUN_FIXED);
  fixed.writeUInt32LE(run.flags, 0);
  fixed.writeUInt32LE(run.umask, 4);
  fixed.writeUInt32LE(run.fds.length, 8);
  fixed.writeUInt32LE(run.argv.length, 12);
  fixed.writeUInt32LE(run.env.count, 16);
  fixed.writeInt32LE(run.nice, 20);
  fixed.writeBigUInt64LE(run.ignored, 24);
  fixed.writeBigUInt64LE(run.blocked, 32);
  for (const [i, fd] of run.fds.slice(0, FDS_MAX).entries()) fixed.writeUInt8(fd, RUN_FDS_AT + i);
  for (const [i, pair] of run.rlimits.slice(0, RUN_RLIMITS).entries()) {
    fixed.writeBigUInt64LE(pair[0], RUN_RLIMITS_AT + 16 * i);
    fixed.writeBigUInt64LE(pair[1], RUN_RLIMITS_AT + 16 * i + 8);
  }
  const parts: Buffer[] = [fixed];
  for (const string of [run.cwd, run.path, run.host, run.after, ...run.argv]) {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(string.length, 0);
    parts.push(length, string);
  }
  return Buffer.concat([...parts, run.env.bytes]);
}

/** Null: shorter or longer than it says, descriptors out of order, or a NUL inside a string. The strings are views of `bytes`. */
export function decodeRun(bytes: Buffer): Run | null {
  if (bytes.length < RUN_FIXED) return null;
  const argc = bytes.readUInt32LE(12);
  const fdCount = bytes.readUInt32LE(8);
  const fds = [...bytes.subarray(RUN_FDS_AT, RUN_FDS_AT + FDS_MAX)];
  if (fdCount > FDS_MAX || fds.splice(fdCount).some((unused) => unused !== 0)) return null;
  if (fds.some((fd, i) => fd <= (fds[i - 1] ?? -1))) return null;
  const strings = splitStrings(bytes, RUN_FIXED, 4 + argc);
  const [cwd, path, host, after] = strings?.found ?? [];
  const env = strings && Environment.at(bytes, strings.end, bytes.readUInt32LE(16));
  if (!strings || !cwd || !path || !host || !after || !env) return null;
  if (strings.end + env.bytes.length !== bytes.length) return null;
  return {
    flags: bytes.readUInt32LE(0),
    umask: bytes.readUInt32LE(4),
    fds,
    nice: bytes.readInt32LE(20),
    ignored: bytes.readBigUInt64LE(24),
    blocked: bytes.readBigUInt64LE(32),
    rlimits: Array.from({ length: RUN_RLIMITS }, (_, i) => {
      const at = RUN_RLIMITS_AT + 16 * i;
      return [bytes.readBigUInt64LE(at), bytes.readBigUInt64LE(at + 8)] as const;
    }),
    cwd,
    path,
    host,
    after,
    argv: strings.found.slice(4),
    env,
  };
}

/** `count` strings, each after its length, and where they end; null: cut short, or a NUL inside one. */
function splitStrings(
  bytes: Buffer,
  from: number,
  count: number,
): { readonly found: readonly Buffer[]; readonly end: number } | null {
  if (count > (bytes.length - from) / 4) return null;
  const found: Buffer[] = [];
  let at = from;
  for (let i = 0; i < count; i++) {
    if (bytes.length - at < 4) return null;
    const end = at + 4 + bytes.readUInt32LE(at);
    if (end > bytes.length) return null;
    const string = bytes.subarray(at + 4, end);
    if (string.includes(0)) return null;
    found.push(string);
    at = end;
  }
  return { found, end: at };
}
