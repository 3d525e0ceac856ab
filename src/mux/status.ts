/** How a job ended, or why it did not begin. */
import { Buffer } from "node:buffer";
import { Reader, Writer } from "./bytes.js";
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
}

export function encodeStatus(s: JobStatus): Buffer {
  const w = new Writer().u32(s.status);
  for (const value of [s.userUs, s.systemUs, s.maxRssKb, s.inBlocks, s.outBlocks, s.consumed])
    w.u64(BigInt(value));
  return w.done();
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
  r.end();
  return result;
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
