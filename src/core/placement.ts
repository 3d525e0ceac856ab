/** Which host gets the job: two random choices among the suitable, the better of them by load seen with its age. */
import type { Random } from "./events.js";
import { offerable, type Roster, type RosterEntry } from "./roster.js";

/** After this many ms a load figure says little; it fades towards the middle. */
const fadeMs = 5000;
/** Random draws before the whole table is searched. */
const draws = 12;

/** Expected load of a host in percent: what it reported, faded with age, and what was promised to it since. */
export function expectedLoad(entry: RosterEntry, now: number): number {
  const weight = Math.exp(-Math.max(0, now - entry.reportedAt) / fadeMs);
  const promised = Math.max(0, entry.report.free - offerable(entry));
  return (
    weight * entry.report.cpuPercent + (1 - weight) * 50 + (100 * promised) / Math.max(1, entry.report.total)
  );
}

/** The host for one more job, or undefined when none is suitable. */
export function place(
  roster: Roster,
  suits: (entry: RosterEntry) => boolean,
  random: Random,
  now: number,
): RosterEntry | undefined {
  let first: RosterEntry | undefined;
  for (let draw = 0; draw < draws; draw++) {
    const entry = roster.at(Math.floor(random() * roster.size));
    if (!entry || entry === first || !suits(entry)) continue;
    if (first) return better(first, entry, now);
    first = entry;
  }
  return first ?? roster.entries().find(suits);
}

function better(a: RosterEntry, b: RosterEntry, now: number): RosterEntry {
  return expectedLoad(b, now) < expectedLoad(a, now) ? b : a;
}
