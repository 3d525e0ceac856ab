/** What only /proc/PID tells: what a group's tasks switch, wait for and move, and CPU time of whole sessions. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { readOrNull } from "../cgroup.js";
import { readSmall } from "./counter-file.js";
import { growth } from "./rate.js";

/** Looking at more tasks than this would cost more than it says: the newest processes are looked at, the rest is not counted. */
const tasksMax = 200;
const SWITCHES = /ctxt_switches:\s+(\d+)/g;
const MOVED = /^(read_bytes|write_bytes|cancelled_write_bytes): (\d+)$/gm;

/** Of one task since it began. */
interface Task {
  readonly switches: number;
  readonly ranNs: number;
  readonly waitedNs: number;
}

/** A task that ran or waited for a CPU for so much of an interval wants one; the others only wait longer for what they get. */
const wantsAlways = 0.9;

/** Over one interval, of all tasks in a group and those below it; what ended in between is not counted. */
export interface TasksUse {
  /** Context switches. */
  readonly switches: number;
  /** For how long those that wanted to run all the time did not, ns. */
  readonly waitedNs: number;
  /** Read from and written to disks, also by children that were reaped; null when there are too many to look at. */
  readonly movedBytes: number | null;
}

export class GroupTasks {
  #before: Map<string, Task> | null = null;
  readonly #pids = new GroupPids();
  #moved: number | null = null;

  /** @param io - whether to look at what they read and write: a file more for each process */
  constructor(
    private readonly folder: string,
    private readonly proc: string,
    private readonly io: boolean,
  ) {}

  /** Over the `ms` since the last call; null at the first. */
  growth(ms: number): TasksUse | null {
    const now = new Map<string, Task>();
    const pids = this.#pids.in(this.folder).sort((a, b) => Number(b) - Number(a));
    let looked = 0;
    let moved = 0;
    for (const pid of pids) {
      if (now.size >= tasksMax) break;
      looked += 1;
      const folder = `${this.proc}/${pid}/task`;
      for (const tid of list(folder).slice(0, tasksMax - now.size))
        now.set(`${pid}/${tid}`, taskIn(`${folder}/${tid}`));
      if (this.io) moved += movedBy(join(this.proc, pid, "io"));
    }
    const before = this.#before;
    this.#before = now;
    const sawAll = (before?.size ?? 0) < tasksMax;
    const all = looked === pids.length ? moved : null;
    const movedBytes = growth(this.#moved, all);
    this.#moved = all;
    if (!before) return null;
    let switches = 0;
    let waitedNs = 0;
    for (const [id, task] of now) {
      const was = before.get(id);
      if (!was && !sawAll) continue; // It may be an old one, with all that it ever did.
      switches += Math.max(0, task.switches - (was?.switches ?? 0));
      const ran = task.ranNs - (was?.ranNs ?? 0);
      const waited = task.waitedNs - (was?.waitedNs ?? 0);
      if (was && ran + waited >= wantsAlways * 1e6 * ms) waitedNs += waited;
    }
    return { switches, waitedNs, movedBytes };
  }
}

/** From schedstat (ns it ran, ns it waited, times it was put on a CPU), which costs the kernel least; else from status. */
function taskIn(folder: string): Task {
  const [ranNs = 0, waitedNs = 0, switches = 0] = readSmall(`${folder}/schedstat`).split(" ").map(Number);
  if (switches > 0) return { switches, ranNs, waitedNs };
  let count = 0;
  for (const match of readSmall(`${folder}/status`).matchAll(SWITCHES)) count += Number(match[1]);
  return { switches: count, ranNs: 0, waitedNs: 0 };
}

/** Bytes that a process and its reaped children moved to and from disks; 0 where that is not ours to know. */
function movedBy(file: string): number {
  let bytes = 0;
  for (const [, name, count] of readSmall(file).matchAll(MOVED))
    bytes += name === "cancelled_write_bytes" ? -Number(count) : Number(count);
  return Math.max(0, bytes);
}

/** Over one interval. */
export interface SessionsUse {
  /** Clock ticks used, and of these by sessions that are new. */
  readonly ticks: number;
  readonly freshTicks: number;
  /** Sessions that were there from its beginning to its end. */
  readonly whole: number;
}

/** CPU time of sessions, with what their reaped children used: of the jobs that run here for other hosts. */
export class SessionsCpu {
  #before = new Map<number, number>();

  constructor(private readonly proc: string) {}

  /** Since the last call; a session that has ended in between is not counted. */
  growth(leaders: readonly number[]): SessionsUse {
    const now = new Map<number, number>(leaders.map((leader) => [leader, 0]));
    if (leaders.length > 0) {
      for (const name of list(this.proc)) {
        const text = /^\d/.test(name) ? readSmall(`${this.proc}/${name}/stat`) : "";
        // state, parent, group, session, ...; from the 12th: user, system, and both of reaped children
        const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
        const session = Number(fields[3]);
        const ticks = fields.slice(11, 15).reduce((all, field) => all + Number(field), 0);
        if (now.has(session)) now.set(session, (now.get(session) ?? 0) + ticks);
      }
    }
    const before = this.#before;
    this.#before = now;
    let ticks = 0;
    let freshTicks = 0;
    let whole = 0;
    for (const [leader, count] of now) {
      const was = before.get(leader);
      const grown = Math.max(0, count - (was ?? 0));
      ticks += grown;
      if (was === undefined) freshTicks += grown;
      else whole += 1;
    }
    return { ticks, freshTicks, whole };
  }
}

/** The processes of a group and those below it. Groups have many files, so they are listed only when their number changed. */
class GroupPids {
  readonly #below = new Map<string, { readonly links: number; readonly groups: readonly string[] }>();

  in(folder: string): string[] {
    const own = readOrNull(`${folder}/cgroup.procs`);
    if (own === null) {
      this.#below.clear(); // It is gone, and perhaps another one there.
      return [];
    }
    const pids = own.split("\n").filter((pid) => pid !== "" && pid !== "0");
    return pids.concat(this.#groups(folder).flatMap((group) => this.in(group)));
  }

  #groups(folder: string): readonly string[] {
    const links = statSync(folder, { throwIfNoEntry: false })?.nlink ?? 0;
    const known = this.#below.get(folder);
    if (known?.links === links) return known.groups;
    const groups = list(folder, true).map((name) => join(folder, name));
    this.#below.set(folder, { links, groups });
    return groups;
  }
}

function list(folder: string, foldersOnly = false): string[] {
  try {
    if (!foldersOnly) return readdirSync(folder);
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [entry.name] : [],
    );
  } catch {
    return []; // It ended while we looked.
  }
}
