/** One command in three ways: without the shim, with it and local, with it and migrated. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeState } from "../../src/io/layout.js";
import { native } from "../../src/io/native.js";
import { shim } from "../native/world.js";
import { Bed, type Ended } from "./bed.js";

const probes = join(import.meta.dirname, "..", "native", "probes");
const HOUR_MS = 3_600_000;

export type Way = "plain" | "local" | "migrated";

/** What is different about a run. */
export interface Setting {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly stdin?: string;
  /** Before each way. */
  readonly before?: () => void;
  /** More of the environment when the shim is there. */
  readonly shimmed?: Record<string, string>;
}

export class ThreeWays {
  readonly bed = new Bed();
  readonly bin = join(this.bed.directory, "bin");
  /** Decisions up to this one were looked at. */
  private known = 0;

  constructor() {
    mkdirSync(this.bin);
    this.bed.env["PANTS_PREX"] = this.bed.env["PREX"] = join(shim, "..", "prex");
  }

  /** Leases of the host `far` for whoever asks, and a prexd whose link to it is up. */
  async up(): Promise<void> {
    await this.bed.grant("far", 32);
    await this.bed.on("far", "true");
  }

  /** A probe of test/native/probes, compiled into `bin`. */
  probe(name: string): string {
    const out = join(this.bin, name);
    const flags = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread"];
    execFileSync("cc", [...flags, join(probes, `${name}.c`), "-o", out]);
    return out;
  }

  /** A migratable copy of a program. */
  marked(program: string, name: string): string {
    const copy = join(this.bin, name);
    copyFileSync(this.bed.marked(program, 0x01000000), copy);
    return copy;
  }

  /** Runs a command in one way. */
  run(way: Way, command: readonly string[], setting: Setting = {}): Promise<Ended> {
    setting.before?.();
    return this.bed.finish(this.start(way, command, setting), setting.stdin ?? "");
  }

  start(way: Way, command: readonly string[], { env = {}, cwd, shimmed = {} }: Setting = {}) {
    this.state(way === "migrated");
    const preload = way === "plain" ? {} : { LD_PRELOAD: shim, ...shimmed };
    return this.bed.start(command, { env: { ...env, ...preload }, ...(cwd === undefined ? {} : { cwd }) });
  }

  /** In all ways; each must give the same. Returns that, and how many programs ran elsewhere when they could. */
  async all(command: readonly string[], setting: Setting = {}): Promise<Ended & { migrated: number }> {
    const plain = await this.run("plain", command, setting);
    this.elsewhere();
    same("local", await this.run("local", command, setting), plain);
    if (this.elsewhere() > 0) throw new Error("a program ran elsewhere while this host was free");
    same("migrated", await this.run("migrated", command, setting), plain);
    return { ...plain, migrated: this.elsewhere() };
  }

  end(): Promise<void> {
    return this.bed.end();
  }

  /** Programs that ended on another host so far: at most 512 between two questions. */
  private elsewhere(): number {
    native.tableOpen(join(this.bed.runtime, "slots"), 0, 0);
    const records = native.whyRead(512).filter(({ seq }) => seq > this.known);
    native.tableClose();
    this.known = Math.max(this.known, ...records.map(({ seq }) => seq));
    return records.filter(({ where, status }) => where === 1 && status >= 0).length;
  }

  private state(busy: boolean): void {
    const load = { busy, index: busy ? 1 : 0, indexValue: 0, indexThreshold: 0, availableMb: 0, place: 0 };
    const cluster = { remote: true, sleeping: 0, remoteAfterNs: 0n, slotsTotal: 64, pid: process.pid };
    const clock = { seq: 2, intervalMs: HOUR_MS, writtenNs: native.bootTimeNs() };
    // Renamed into place: a program that another start has just begun may be reading it.
    const file = join(this.bed.runtime, "state");
    writeFileSync(`${file}.new`, encodeState({ ...load, ...cluster, ...clock }));
    renameSync(`${file}.new`, file);
  }
}

function same(way: Way, got: Ended, plain: Ended): void {
  const lines = ({ code, signal, stdout, stderr }: Ended): string[] => [
    `end ${code}/${signal}`,
    ...stdout.split("\n"),
    "on stderr:",
    ...stderr.split("\n"),
  ];
  const [there, here] = [lines(got), lines(plain)];
  const apart = Array.from({ length: Math.max(there.length, here.length) }, (_, i) => i)
    .filter((i) => there[i] !== here[i])
    .map((i) => `${there[i] ?? "nothing"}\n   plain: ${here[i] ?? "nothing"}`);
  if (apart.length > 0) throw new Error(`${way}, unlike plain:\n${apart.slice(0, 20).join("\n")}`);
}
