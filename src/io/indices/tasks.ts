/** What only /proc/PID tells: context switches of a group's tasks, and CPU time of whole sessions. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Looking at more tasks than this would cost more than it says; the rest is taken to be like them. */
const tasksMax = 400;
const SWITCHES = /ctxt_switches:\s+(\d+)/g;

/** Context switches of all tasks in a control group and those below it; what ended in between is not counted. */
export class GroupSwitches {
  #before: Map<string, number> | null = null;

  constructor(
    private readonly folder: string,
    private readonly proc: string,
  ) {}

  /** Since the last call; null at the first. */
  growth(): number | null {
    const now = new Map<string, number>();
    const pids = groupPids(this.folder);
    let looked = 0;
    for (const pid of pids) {
      if (now.size >= tasksMax) break;
      looked += 1;
      for (const tid of list(join(this.proc, pid, "task"))) {
        const text = read(join(this.proc, pid, "task", tid, "status"));
        let count = 0;
        for (const match of text.matchAll(SWITCHES)) count += Number(match[1]);
        now.set(`${pid}/${tid}`, count);
      }
    }
    const before = this.#before;
    this.#before = now;
    if (!before) return null;
    let grown = 0;
    for (const [task, count] of now) grown += Math.max(0, count - (before.get(task) ?? 0));
    return looked > 0 ? (grown * pids.length) / looked : 0;
  }
}

/** CPU time of sessions, with what their reaped children used: of the jobs that run here for other hosts. */
export class SessionsCpu {
  #before = new Map<number, number>();

  constructor(private readonly proc: string) {}

  /** Clock ticks used by these sessions since the last call; a session that has ended in between is not counted. */
  growth(leaders: readonly number[]): number {
    const now = new Map<number, number>(leaders.map((leader) => [leader, 0]));
    if (leaders.length > 0) {
      for (const name of list(this.proc)) {
        const text = /^\d/.test(name) ? read(join(this.proc, name, "stat")) : "";
        // state, parent, group, session, ...; from the 12th: user, system, and both of reaped children
        const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
        const session = Number(fields[3]);
        const ticks = fields.slice(11, 15).reduce((all, field) => all + Number(field), 0);
        if (now.has(session)) now.set(session, (now.get(session) ?? 0) + ticks);
      }
    }
    const before = this.#before;
    this.#before = now;
    let grown = 0;
    for (const [leader, ticks] of now) grown += Math.max(0, ticks - (before.get(leader) ?? 0));
    return grown;
  }
}

function groupPids(folder: string): string[] {
  const own = read(join(folder, "cgroup.procs"))
    .split("\n")
    .filter((pid) => pid !== "" && pid !== "0");
  const below = list(folder, true).flatMap((name) => groupPids(join(folder, name)));
  return own.concat(below);
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

function read(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}
