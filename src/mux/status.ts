/** How a job ended, or why it did not begin. */
import { Buffer } from "node:buffer";
import { Reader, Writer } from "./bytes.js";
import { LinkFault } from "./errors.js";
import { Refusal } from "./frame.js";

export interface JobStatus {
  /** Raw wait status. */
  readonly status: number;
  readonly userUs: number;
  readonly systemUs: number;
  /** Peak resident memory, KiB. */
  readonly maxRssKb: number;
  readonly inBlocks: number;
  readonly outBlocks: number;
  /** Bytes of stdin that the program has taken. */
  readonly consumed: number;
  /** Paths, each ending in NUL, of files that it changed; asked for by SpecFlag.TELL_CHANGED. */
  readonly changed?: Buffer;
}

const NONE = Buffer.alloc(0);

export function encodeStatus(s: JobStatus): Buffer {
  const w = new Writer().u32(s.status);
  for (const value of [s.userUs, s.systemUs, s.maxRssKb, s.inBlocks, s.outBlocks, s.consumed])
    w.u64(BigInt(value));
  return w.raw(s.changed ?? NONE).done();
}

/** @throws {LinkFault} */
export function decodeStatus(bytes: Buffer): JobStatus {
  const r = new Reader(bytes);
  const status = r.i32();
  const next = (): number => Number(r.u64());
  const result = {
    status,
    userUs: next(),
    systemUs: next(),
    maxRssKb: next(),
    inBlocks: next(),
    outBlocks: next(),
    consumed: next(),
  };
  const changed = r.rest();
  if (changed.length === 0) return result;
  if (changed.at(-1) !== 0) throw new LinkFault("content", "a path without an end");
  return { ...result, changed: Buffer.from(changed) };
}

export interface Refused {
  /** One of Refusal (frame.ts). */
  readonly reason: number;
  readonly text: string;
  /** With Refusal.MEMORY: what is left there, MiB. */
  readonly leftMb?: number;
}

const TEXT_MAX = 1000;

export function encodeRefused(refused: Refused): Buffer {
  const text = Buffer.from(refused.text, "utf8").subarray(0, TEXT_MAX);
  const writer = new Writer().u8(refused.reason);
  if (refused.reason === Refusal.MEMORY) writer.u32(refused.leftMb ?? 0);
  return writer.raw(text).done();
}

/** @throws {LinkFault} */
export function decodeRefused(bytes: Buffer): Refused {
  const r = new Reader(bytes);
  const reason = r.u8();
  const left = reason === Refusal.MEMORY ? { leftMb: r.u32() } : {};
  return { reason, text: r.rest().toString("utf8"), ...left };
}
