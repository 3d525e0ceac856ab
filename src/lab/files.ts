/** The folder of a lab: key, configuration, ssh's files, logs. */
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startTime } from "./processes.js";
import type { Address } from "./ssh.js";
import { openShadow, plainShells } from "./ssh.js";
import type { LabRecord } from "./teardown.js";

/** Keys of pants.toml by table; a lab's own are already there. */
export type Settings = Readonly<Record<string, Readonly<Record<string, Value>>>>;
type Value = string | number | readonly string[];

/** TOML of tables with strings, numbers and lists of strings. */
export function toml(settings: Settings): string {
  return Object.entries(settings)
    .map(([table, keys]) => {
      const lines = Object.entries(keys).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
      return `[${table}]\n${lines.join("")}`;
    })
    .join("\n");
}

/** Later settings win, key by key. */
export function merged(...all: readonly Settings[]): Settings {
  const result: Record<string, Record<string, Value>> = {};
  for (const settings of all) {
    for (const [table, keys] of Object.entries(settings)) result[table] = { ...result[table], ...keys };
  }
  return result;
}

/** Makes the folder, readable by all but for its secrets, with the record of who owns the lab first of all. */
export function makeFolder(folder: string, id: string, hosts: readonly Address[]): void {
  mkdirSync(folder);
  chmodSync(folder, 0o755);
  const record: LabRecord = { id, owner: { pid: process.pid, start: startTime(process.pid) } };
  writeFileSync(join(folder, "lab.json"), JSON.stringify(record));
  writeFileSync(join(folder, "key"), randomBytes(32).toString("hex"), { mode: 0o600 });
  const lines = hosts.map(({ name, address }) => `${address} ${name}\n`);
  writeFileSync(join(folder, "hosts"), `127.0.0.1 localhost\n${lines.join("")}`);
  const passwd = readFileSync("/etc/passwd", "utf8");
  writeFileSync(join(folder, "passwd"), plainShells(passwd));
  writeFileSync(join(folder, "shadow"), openShadow(passwd), { mode: 0o600 });
  for (const { name } of hosts) mkdirSync(join(folder, name));
}
