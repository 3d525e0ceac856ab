/** Which host gets the job: two random choices among the suitable, the better of them by load seen with its age. */
import type { Random } from "./events.js";
import type { RosterEntry } from "./roster.js";

/** After this many ms a load figure says little; it fades towards the middle. */
const fadeMs = 5000;

/** Expected load of a host in percent: what it reported, faded with age, and what was promised to it since. */
export function expectedLoad({ report, reportedAt, offer }: RosterEntry, now: number): number {
  const weight = Math.exp(-Math.max(0, now - reportedAt) / fadeMs);
  const promised = Math.max(0, report.free - offer);
  return weight * report.cpuPercent + (1 - weight) * 50 + (100 * promised) / Math.max(1, report.total);
}

/**
 * The host for one more job, or undefined when none is suitable. Looks at no more entries than there are excluded
 * ones, and a few, however long the list is.
 */
export function place(
  offering: readonly RosterEntry[],
  excluded: ReadonlySet<string>,
  random: Random,
  now: number,
): RosterEntry | undefined {
  const first = draw(offering, excluded, random);
  if (!first) return undefined;
  const second = draw(offering, excluded, random, first);
  return second && expectedLoad(second, now) < expectedLoad(first, now) ? second : first;
}

/** One of the suitable: from a random place on, the first that is neither excluded nor taken. */
function draw(
  offering: readonly RosterEntry[],
  excluded: ReadonlySet<string>,
  random: Random,
  taken?: RosterEntry,
): RosterEntry | undefined {
  const start = Math.floor(random() * offering.length);
  const looks = Math.min(offering.length, excluded.size + 2);
  for (let step = 0; step < looks; step++) {
    const entry = offering[(start + step) % offering.length];
    if (entry && entry !== taken && !excluded.has(entry.host)) return entry;
  }
  return undefined;
}
