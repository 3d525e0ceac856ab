/** What only /proc/PID tells of a group's tasks: what they switch, wait for and move. */
import { join } from "node:path";
import { foldersIn, linksOf, namesIn } from "../folder.js";
import { CounterFile, ReadAgain } from "./counter-file.js";
import { growth, sum } from "./rate.js";

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

export interface GroupTasksOptions {
  /** Folder whose cgroup.procs lists the processes, with those of the groups below. */
  readonly folder: string;
  /** Where /proc is. */
  readonly proc: string;
  /** Whether to look at what they read and write: a file more for each process. */
  readonly io: boolean;
  /** This process, which the kernel is asked about in one call; null where `proc` is another machine's. */
  readonly own: number | null;
}

export class GroupTasks {
  #before: Map<string, Task> | null = null;
  readonly #pids: GroupPids;
  readonly #files = new ReadAgain();
  readonly #threads: Threads;
  #moved: number | null = null;
  /** Processes of the last look, and of them those that were not looked into. */
  #seen = new Set<string>();
  #spared = new Set<string>();

  constructor(private readonly options: GroupTasksOptions) {
    this.#pids = new GroupPids(options.folder);
    this.#threads = new Threads(options.proc);
  }

  /**
   * Over the `ms` since the last call; null at the first.
   * @param sparing - looks only into processes that were there at the last call: each other one costs more than those
   */
  growth(ms: number, sparing = false): TasksUse | null {
    const { proc, io, own } = this.options;
    const now = new Map<string, Task>();
    const pids = this.#pids.now().sort((a, b) => Number(b) - Number(a));
    const seen = this.#seen;
    const before = this.#before;
    const sparedBefore = this.#spared;
    this.#seen = new Set(pids);
    this.#spared = sparing ? new Set(pids.filter((pid) => !seen.has(pid))) : new Set();
    let looked = 0;
    let moved = 0;
    for (const pid of pids) {
      if (now.size >= tasksMax) break;
      looked += 1;
      if (this.#spared.has(pid)) continue;
      if (Number(pid) === own) {
        const mine = ownUse();
        now.set(pid, mine);
        moved += mine.movedBytes;
        continue;
      }
      const folder = `${proc}/${pid}/task`;
      for (const tid of this.#threads.of(pid).slice(0, tasksMax - now.size)) {
        const task = this.#task(`${folder}/${tid}`);
        if (task) now.set(`${pid}/${tid}`, task);
        else this.#threads.changed(pid);
      }
      if (io) moved += movedBy(this.#files.text(join(proc, pid, "io")));
    }
    this.#files.closeOthers();
    this.#threads.forgetOthers();
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
      // It may be an old one, with all that it ever did.
      if (!was && (!sawAll || sparedBefore.has(processOf(id)))) continue;
      switches += Math.max(0, task.switches - (was?.switches ?? 0));
      const ran = task.ranNs - (was?.ranNs ?? 0);
      const waited = task.waitedNs - (was?.waitedNs ?? 0);
      if (was && ran + waited >= wantsAlways * 1e6 * ms) waitedNs += waited;
    }
    return { switches, waitedNs, movedBytes };
  }

  /** The next call of `growth` is as the first. */
  forget(): void {
    this.#before = null;
    this.#moved = null;
  }

  close(): void {
    this.#files.close();
    this.#pids.close();
  }

  /**
   * From schedstat (ns it ran, ns it waited, times it was put on a CPU), which costs the kernel least; else from status.
   * Null when it has ended.
   */
  #task(folder: string): Task | null {
    const [ranNs = 0, waitedNs = 0, switches = 0] = this.#files
      .text(`${folder}/schedstat`)
      .split(" ")
      .map(Number);
    if (switches > 0) return { switches, ranNs, waitedNs };
    const counts = [...this.#files.text(`${folder}/status`).matchAll(SWITCHES)].map(([, count]) =>
      Number(count),
    );
    return counts.length > 0 ? { switches: sum(counts) ?? 0, ranNs: 0, waitedNs: 0 } : null;
  }
}

/** Of a task's name in the map: `PID/TID`, or `PID` alone. */
const processOf = (id: string): string => id.split("/", 1)[0] ?? "";

/** This process, all its threads as one task: it never wants a CPU for all of an interval. */
function ownUse(): Task & { readonly movedBytes: number } {
  const { voluntaryContextSwitches, involuntaryContextSwitches, fsRead, fsWrite } = process.resourceUsage();
  const switches = voluntaryContextSwitches + involuntaryContextSwitches;
  return { switches, ranNs: 0, waitedNs: 0, movedBytes: (fsRead + fsWrite) * rusageBlock };
}

/** Bytes in what rusage counts of reading and writing. */
const rusageBlock = 512;

/** Bytes that a process and its reaped children moved to and from disks, of its `io`; 0 where that is not ours to know. */
function movedBy(io: string): number {
  let bytes = 0;
  for (const [, name, count] of io.matchAll(MOVED))
    bytes += name === "cancelled_write_bytes" ? -Number(count) : Number(count);
  return Math.max(0, bytes);
}

/** The threads of processes: listed anew only when their number changed, or one of the same number began. */
class Threads {
  #known = new Map<string, { readonly links: number; readonly ids: readonly string[] }>();
  #asked = new Map<string, { readonly links: number; readonly ids: readonly string[] }>();

  constructor(private readonly proc: string) {}

  of(pid: string): readonly string[] {
    const folder = `${this.proc}/${pid}/task`;
    const links = linksOf(folder);
    if (links === linksOfOne) return [pid];
    const known = this.#known.get(pid);
    const is = known?.links === links ? known : { links, ids: namesIn(folder) };
    this.#asked.set(pid, is);
    return is.ids;
  }

  /** One that was listed has ended: perhaps another one began. */
  changed(pid: string): void {
    this.#asked.delete(pid);
  }

  /** Those that were not asked for since the last call are gone. */
  forgetOthers(): void {
    this.#known = this.#asked;
    this.#asked = new Map();
  }
}

/** Names of a folder with one folder in it: its own two, and the other's. */
const linksOfOne = 3;

/** The processes of a group and those below it. Groups have many files, so they are listed only when their number changed. */
class GroupPids {
  /** Of the groups of the last look. */
  #files = new Map<string, CounterFile>();
  readonly #below = new Map<string, { readonly links: number; readonly groups: readonly string[] }>();

  constructor(private readonly folder: string) {}

  now(): string[] {
    const files = new Map<string, CounterFile>();
    const pids = this.#in(this.folder, files);
    for (const [folder, file] of this.#files) {
      if (files.has(folder)) continue;
      file.close();
      this.#below.delete(folder);
    }
    this.#files = files;
    return pids;
  }

  close(): void {
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
  }

  /** @param files - takes in those that were read */
  #in(folder: string, files: Map<string, CounterFile>): string[] {
    const file = this.#files.get(folder) ?? new CounterFile(`${folder}/cgroup.procs`);
    if (!file.read()) {
      this.#below.clear(); // It is gone, and perhaps another one there.
      return [];
    }
    files.set(folder, file);
    const pids = file
      .text()
      .split("\n")
      .filter((pid) => pid !== "" && pid !== "0");
    return pids.concat(this.#groups(folder).flatMap((group) => this.#in(group, files)));
  }

  #groups(folder: string): readonly string[] {
    const links = linksOf(folder);
    const known = this.#below.get(folder);
    if (known?.links === links) return known.groups;
    const groups = foldersIn(folder).map((name) => join(folder, name));
    this.#below.set(folder, { links, groups });
    return groups;
  }
}
