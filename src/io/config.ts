/** The configuration file (TOML). Everything has a default; a file that is wrong is refused as a whole. */
import { readFileSync } from "node:fs";
import { parse, TomlError } from "smol-toml";
import * as v from "valibot";
import type { LoadSettings } from "../core/policy/settings.js";
import { name, networkSchema } from "./config-network.js";
import { parseIoPriority } from "./io-priority.js";

const milliseconds = (min: number, max: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));

const isIoPriority = (text: string): boolean => parseIoPriority(text) !== null;
const ioPriorities = '"as-is", "idle", or "best-effort:0" to "best-effort:7"';

const threshold = v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1e12)), 0);

const schema = v.strictObject({
  cluster: v.optional(
    v.strictObject({
      /** Hosts of one name and key share their work. */
      name: v.optional(name, "pants"),
      /** 32 or more secret bytes, readable by pantsd's user only. */
      key_file: v.optional(v.string(), "/etc/pants/key"),
    }),
    {},
  ),
  network: v.optional(networkSchema, {}),
  load: v.optional(
    v.strictObject({
      /** What makes a host busy: see docs/load.md. */
      policy: v.optional(v.picklist(["adaptive", "multi", "cpu"]), "adaptive"),
      /** Sampling interval. */
      interval_ms: v.optional(milliseconds(100, 60_000), 1000),
      /** Busy at or above this many percent of this host's CPUs (paper, Table 2: 95); 100 = never busy by CPU. */
      cpu: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(100)), 95),
      /** Thresholds in place of learned ones (adaptive) or the paper's (multi), in the index's unit; 0 = as the policy has it. */
      io: threshold,
      ctxt: threshold,
      memory: threshold,
      intr: threshold,
      net: threshold,
      /** Percent of its CPUs that this host's own work may use before it takes no jobs of others; 0 = any. */
      owner_cpu: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(100)), 80),
      /** Memory that must be available for it to be free, MiB; 0 = as fits the host and its jobs. */
      room_mb: v.optional(v.pipe(v.number(), v.minValue(0)), 0),
    }),
    {},
  ),
  /** How jobs of other hosts run here. */
  guests: v.optional(
    v.strictObject({
      /** Added to a job's own nice value. */
      nice: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(19)), 0),
      /** In place of a job's own I/O class. */
      io: v.optional(v.pipe(v.string(), v.check(isIoPriority, ioPriorities)), "as-is"),
    }),
    {},
  ),
  slots: v.optional(
    v.strictObject({
      /** 0 = as many as the CPUs this host may use. */
      total: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(256)), 0),
      /** Programs that run here beside the slots when no other host can help; -1 = as many as slots. */
      beside: v.optional(v.pipe(v.number(), v.integer(), v.minValue(-1), v.maxValue(256)), -1),
    }),
    {},
  ),
  placement: v.optional(
    v.strictObject({
      /** Longest wait for a slot when every host is full. */
      patience_ms: v.optional(milliseconds(0, 600_000), 30_000),
      /** Programs that usually compute no longer than this stay: sending them costs their host as much. */
      short_ms: v.optional(milliseconds(0, 1000), 2),
    }),
    {},
  ),
  agent: v.optional(
    v.strictObject({
      /** Command that starts the agent on the other host; empty = where it is on this one. */
      command: v.optional(v.string(), ""),
    }),
    {},
  ),
});

export type Config = v.InferOutput<typeof schema>;

/** What a policy needs to know of the configuration and of this host. */
export function loadSettings({ load }: Config, cpus: number): LoadSettings {
  const { policy, cpu, io, ctxt, memory, intr, net } = load;
  const set = Object.entries({ cpu, io, ctxt, memory, intr, net }).filter(([, value]) => value > 0);
  return {
    policy,
    cpus,
    thresholds: Object.fromEntries(set),
    ownerCpu: load.owner_cpu,
    roomMb: load.room_mb || null,
  };
}

/** A configuration that cannot be used, in one line for the user. */
export class ConfigError extends Error {}

/** Parses and checks a configuration. @throws {ConfigError} naming the file, the key or line, and what is wrong. */
export function parseConfig(text: string, file: string): Config {
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (error) {
    if (error instanceof TomlError) {
      const what = error.message.split("\n")[0] ?? "";
      throw new ConfigError(`${file}:${error.line}:${error.column}: ${what}`);
    }
    throw error;
  }
  const result = v.safeParse(schema, raw);
  if (result.success) return result.output;
  const lines = result.issues.map((issue) => {
    const key = issue.path?.map((p) => String(p.key)) ?? [];
    return `${file}:${lineOf(text, key)}: ${key.join(".")}: ${issue.message}`;
  });
  throw new ConfigError(lines.join("\n"));
}

/** Line (from 1) on which a key of a table stands, else its table; 1 when that cannot be found either. */
function lineOf(text: string, path: readonly string[]): number {
  const key = path.slice(0, 2);
  const last = key[key.length - 1];
  let table = "";
  let tableLine = 1;
  for (const [index, line] of text.split("\n").entries()) {
    const header = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line)?.[1];
    if (header !== undefined) table = header;
    if (header !== undefined && header === key[0]) tableLine = index + 1;
    const own = /^\s*("?)([A-Za-z0-9_-]+)\1\s*=/.exec(line)?.[2];
    if (own === last && table === key.slice(0, -1).join(".")) return index + 1;
  }
  return tableLine;
}

/** Reads the configuration; a file that does not exist means the defaults. @throws {ConfigError} */
export function loadConfig(file: string): Config {
  let text = "";
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ENOENT") throw new ConfigError(`${file}: cannot be read: ${code ?? String(error)}`);
  }
  return parseConfig(text, file);
}
