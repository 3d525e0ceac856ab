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

/** CPU time of sessions, with what their reaped children used: of the jobs that run here for other hosts. */
export class SessionsCpu {
  #before = new Map<number, number>();

  constructor(private readonly proc: string) {}

  /** Since the last call; a session that has ended in between is not counted. */
  growth(leaders: readonly number[]): SessionsUse {
    const now = new Map<number, number>(leaders.map((leader) => [leader, 0]));
    if (leaders.length > 0) {
      for (const name of namesIn(this.proc)) {
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
