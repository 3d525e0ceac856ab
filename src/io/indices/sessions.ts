/** CPU time of whole sessions, which only /proc/PID tells. */
import { namesIn } from "../folder.js";
import { readSmall } from "./counter-file.js";

/** Over one interval. */
export interface SessionsUse {
  /** Clock ticks used, and of these by sessions that are new. */
  readonly ticks: number;
  readonly freshTicks: number;
  /** Sessions that were there from its beginning to its end. */
  readonly whole: number;
}

/** Of the processes that are known to be nobody's job, one in so many is looked at again: a number may be another process's now. */
const againOneIn = 10;

/** CPU time of sessions, with what their reaped children used: of the jobs that run here for other hosts. */
export class SessionsCpu {
  #before = new Map<number, number>();
  /** The session of each process that is in none of those asked for: it only ever leaves it to lead its own. */
  #others = new Map<string, number>();
  #round = 0;

  constructor(private readonly proc: string) {}

  /** Since the last call; a session that has ended in between is not counted. */
  growth(leaders: readonly number[]): SessionsUse {
    const now = new Map<number, number>(leaders.map((leader) => [leader, 0]));
    const others = new Map<string, number>();
    this.#round += 1;
    if (leaders.length > 0) {
      for (const name of namesIn(this.proc)) {
        const pid = Number(name);
        if (!(pid > 0)) continue;
        const known = this.#others.get(name);
        const again = now.has(pid) || (pid + this.#round) % againOneIn === 0;
        if (known !== undefined && !now.has(known) && !again) {
          others.set(name, known);
          continue;
        }
        const text = readSmall(`${this.proc}/${name}/stat`);
        // state, parent, group, session, ...; from the 12th: user, system, and both of reaped children
        const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
        const session = Number(fields[3]);
        const ticks = fields.slice(11, 15).reduce((all, field) => all + Number(field), 0);
        const sum = now.get(session);
        if (sum === undefined) others.set(name, session);
        else now.set(session, sum + ticks);
      }
    }
    this.#others = others;
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
