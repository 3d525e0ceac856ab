/** The configuration file (TOML). Everything has a default; a file that is wrong is refused as a whole. */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { parse, TomlError } from "smol-toml";
import * as v from "valibot";

const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535));
const milliseconds = (min: number, max: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const name = v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,63}$/, "1 to 63 of A-Z a-z 0-9 . _ -"));

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
  network: v.optional(
    v.strictObject({
      /** Name or IPv4 address of the interface that carries multicast; empty = the one of the default route. */
      interface: v.optional(v.string(), ""),
      leader_group: v.optional(v.pipe(v.string(), v.ipv4()), "239.255.77.1"),
      free_group: v.optional(v.pipe(v.string(), v.ipv4()), "239.255.77.2"),
      port: v.optional(port, 7717),
      ttl: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255)), 1),
      /** What other hosts give to ssh to reach this one. */
      name: v.optional(name, () => hostname()),
    }),
    {},
  ),
  load: v.optional(
    v.strictObject({
      policy: v.optional(v.picklist(["cpu"]), "cpu"),
      /** Sampling interval. */
      interval_ms: v.optional(milliseconds(100, 60_000), 1000),
      /** Busy at or above this many percent of this host's CPUs (paper, Table 2: 95); 100 = never busy by CPU. */
      cpu: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(100)), 95),
    }),
    {},
  ),
  slots: v.optional(
    v.strictObject({
      /** 0 = as many as the CPUs this host may use. */
      total: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(256)), 0),
    }),
    {},
  ),
  placement: v.optional(
    v.strictObject({
      /** Longest wait for a slot when every host is full. */
      patience_ms: v.optional(milliseconds(0, 600_000), 30_000),
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

/** Line (from 1) on which a key of a table stands; 1 when it cannot be found. */
function lineOf(text: string, key: readonly string[]): number {
  const last = key[key.length - 1];
  let table = "";
  for (const [index, line] of text.split("\n").entries()) {
    const header = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line)?.[1];
    if (header !== undefined) table = header;
    const own = /^\s*("?)([A-Za-z0-9_-]+)\1\s*=/.exec(line)?.[2];
    if (own === last && table === key.slice(0, -1).join(".")) return index + 1;
    if (header !== undefined && key.length === 1 && header === last) return index + 1;
  }
  return 1;
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
