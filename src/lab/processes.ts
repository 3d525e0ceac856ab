/** Which processes belong to a host: by its pid namespace, by its control group, or by a mark in the environment. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join, normalize } from "node:path";
import { packageRoot } from "../io/paths.js";
import { until } from "./wait.js";

/** Each process of a lab is started with this variable: `LAB/HOST`. */
export const MARK = "PANTS_LAB_HOST";

export interface Process {
  /** As seen from outside the host. */
  readonly pid: number;
  /** As the host itself sees it. */
  readonly inside: number;
  /** Its parent, as seen from outside. */
  readonly parent: number;
  /** Short name, as ps and top show it. */
  readonly name: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  /** A zombie has ended, and waits for its parent. */
  readonly zombie: boolean;
}

function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise; // It ended while we looked.
  }
}

function allPids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Name of a process's pid namespace, which stays the same after its first process has died; empty when gone. */
export function pidNamespace(pid: number): string {
  return attempt(() => readlinkSync(`/proc/${pid}/ns/pid`), "");
}

/** Processes in a pid namespace. */
export function pidsInNamespace(namespace: string): number[] {
  return allPids().filter((pid) => pidNamespace(pid) === namespace);
}

/** Whether a process carries the mark of a lab (`LAB/`) or of one of its hosts (`LAB/HOST`). */
export function isMarked(pid: number, mark: string): boolean {
  const wanted = `${MARK}=${mark}`;
  return attempt(() => readFileSync(`/proc/${pid}/environ`, "latin1"), "")
    .split("\0")
    .some((entry) => (mark.endsWith("/") ? entry.startsWith(wanted) : entry === wanted));
}

/** Processes that carry a mark, this one excepted. */
export function pidsMarked(mark: string): number[] {
  return allPids().filter((pid) => pid !== process.pid && isMarked(pid, mark));
}

/** What /proc tells of one process; undefined when it is gone. */
export function describe(pid: number): Process | undefined {
  return attempt(() => {
    // Before its name: one that names itself and then overwrites its arguments is told by either.
    const argv = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return {
      pid,
      inside: Number(/^NSpid:.*?(\d+)$/m.exec(status)?.[1] ?? pid),
      parent: Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1] ?? 0),
      name: /^Name:\s+(.*)$/m.exec(status)?.[1] ?? "",
      argv,
      cwd: attempt(() => readlinkSync(`/proc/${pid}/cwd`), ""),
      zombie: /^State:\s+[ZX]/m.test(status),
    };
  }, undefined);
}

/** What stays running of this package. */
export type Resident = "pantsd" | "prexd" | "prex-agent";

/** Whether a process is alive and runs a command of this package, whether or not it has named itself by now. */
export function runs(one: Process, command: Resident): boolean {
  const script = join(packageRoot, "dist", "cli", `${command}.js`);
  return !one.zombie && (one.name === command || normalize(one.argv[1] ?? "") === script);
}

/**
 * Those of some processes that run a command of this package. A process that one of them has forked looks like it
 * until it executes something else, and is left out.
 */
export function running(all: readonly Process[], command: Resident): Process[] {
  const found = all.filter((one) => runs(one, command));
  const pids = new Set(found.map(({ pid }) => pid));
  return found.filter(({ parent }) => !pids.has(parent));
}

/** Children of a process. */
export function children(pid: number): number[] {
  const text = attempt(() => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8"), "");
  return text.split(" ").filter(Boolean).map(Number);
}

/** When a process started, in clock ticks since boot: tells it from a later one of the same number. */
export function startTime(pid: number): number {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, "utf8"), "");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? 0);
}

/**
 * Ends all that `find` finds, and what those start meanwhile. One that executes something just then has no environment for a
 * moment, so none is left when twice none was found. @throws {TimeoutError}
 */
export async function endAll(what: string, find: () => readonly number[], ms?: number): Promise<void> {
  let none = 0;
  const looked = (): boolean => {
    const alive = find();
    killAll(alive);
    none = alive.length === 0 ? none + 1 : 0;
    return none === 2;
  };
  await until(`${what} to end`, looked, ms === undefined ? {} : { ms });
}

/** SIGKILL to each; those already gone are no error. */
export function killAll(pids: readonly number[]): void {
  for (const pid of pids) attempt(() => process.kill(pid, "SIGKILL"), false);
}
