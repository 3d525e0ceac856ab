/** The record of this host's load: every interval's indices, and what followed from them (the paper's logs, section 4). */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Role } from "../core/events.js";
import { type IndexName, indexNames, nothingMeasured, type Sample } from "../core/indices.js";
import { type Cause, causes, type Policy, type Thresholds } from "../core/policy/policy.js";
import { ROOT_RUNTIME, ROOT_STATE, runtimeDir, stateDir } from "./paths.js";
import { type RingFormat, readRing } from "./ring-file.js";

export interface LoadEntry {
  /** Wall clock at the interval's end, ms since 1970, and the interval's length, ms. */
  readonly timeMs: number;
  readonly intervalMs: number;
  readonly sample: Sample;
  readonly busy: boolean;
  readonly lends: boolean;
  readonly cause: Cause | null;
  /** Of the cause, in its unit; 0 without one. */
  readonly value: number;
  readonly threshold: number;
  readonly taken: number;
  readonly guests: number;
  readonly total: number;
  readonly policy: Policy["name"];
  readonly role: Role;
  readonly thresholds: Thresholds;
}

export const loadFormat: RingFormat = { magic: "PANTSld1", size: 148 };
/** At an interval of one second 18 hours, of five seconds nearly four days: 10 MB. */
export const loadCapacity = 65_536;

export const loadFile = (stateDir: string): string => join(stateDir, "load");

/**
 * The record of this host's pantsd for whoever reads it: where root's pantsd serves all users, or this user's has never kept
 * one, it is root's.
 */
export function recordedLoad(env: NodeJS.ProcessEnv = process.env): string {
  const own = loadFile(stateDir(env));
  if (env["PANTS_STATE_DIR"] || env["PANTS_RUNTIME_DIR"]) return own;
  return runtimeDir(env) === ROOT_RUNTIME || !existsSync(own) ? loadFile(ROOT_STATE) : own;
}

const fields = Object.keys(nothingMeasured) as (keyof Sample)[];
const policies = ["cpu", "multi", "adaptive"] as const;
const roles = ["busy", "free", "candidate", "leader"] as const;

export function encodeLoad(entry: LoadEntry, to: Buffer): void {
  let at = 0;
  const float = (value: number | null) => {
    to.writeFloatLE(value ?? Number.NaN, at);
    at += 4;
  };
  to.writeDoubleLE(entry.timeMs, at);
  at += 8;
  float(entry.intervalMs);
  for (const field of fields) float(entry.sample[field]);
  for (const name of indexNames) float(entry.thresholds[name]);
  float(entry.value);
  float(entry.threshold);
  for (const count of [entry.taken, entry.guests, entry.total]) at = to.writeUInt16LE(count, at);
  at = to.writeUInt8((entry.busy ? 1 : 0) | (entry.lends ? 2 : 0), at);
  at = to.writeUInt8(entry.cause === null ? 0 : causes.indexOf(entry.cause) + 1, at);
  at = to.writeUInt8(policies.indexOf(entry.policy), at);
  to.writeUInt8(roles.indexOf(entry.role), at);
}

export function decodeLoad(bytes: Buffer): LoadEntry {
  let at = 0;
  const float = (): number | null => {
    const value = bytes.readFloatLE(at);
    at += 4;
    return Number.isNaN(value) ? null : value;
  };
  const timeMs = bytes.readDoubleLE(at);
  at += 8;
  const intervalMs = float() ?? 0;
  const sample = Object.fromEntries(fields.map((field) => [field, float()])) as unknown as Sample;
  const thresholds = Object.fromEntries(indexNames.map((name) => [name, float()])) as Record<
    IndexName,
    number | null
  >;
  const [value, threshold] = [float() ?? 0, float() ?? 0];
  const [taken, guests, total] = [0, 2, 4].map((offset) => bytes.readUInt16LE(at + offset));
  const [flags, cause, policy, role] = [6, 7, 8, 9].map((offset) => bytes.readUInt8(at + offset));
  return {
    timeMs,
    intervalMs,
    sample,
    busy: ((flags ?? 0) & 1) !== 0,
    lends: ((flags ?? 0) & 2) !== 0,
    cause: causes[(cause ?? 0) - 1] ?? null,
    value,
    threshold,
    taken: taken ?? 0,
    guests: guests ?? 0,
    total: total ?? 0,
    policy: policies[policy ?? 0] ?? "cpu",
    role: roles[role ?? 0] ?? "busy",
    thresholds,
  };
}

/** Entries of a record, oldest first; none when there is no file. @throws {Error} of the system. */
export function readLoad(file: string): LoadEntry[] {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return readRing(bytes, loadFormat).map(decodeLoad);
}
