/**
 * Which host gets the job: two random choices among the suitable, the better of them by load seen with its age. For jobs of
 * which more is known: a host that they prefer, or the best of several by what they need.
 */
import type { Random } from "./events.js";
import type { Wanted } from "./kinds/need.js";
import type { RosterEntry } from "./roster.js";

/** After this many ms a load figure says little; it fades towards the middle. */
const fadeMs = 5000;
/** A disk that has work for so much of the time has none left for one more job that lives by it, percent. */
const diskBusy = 50;
/** A job's disk shows in its host's reports after so long, its memory after so long, ms. */
const seenMs = 2500;
const grownMs = 10_000;
/** Hosts looked at for a job that needs something special. */
const looksMax = 8;

export interface Pool {
  /** Of the right compatibility, with a slot to offer. */
  readonly offering: readonly RosterEntry[];
  /** Known hosts among those that are preferred, best first. */
  readonly preferred: readonly RosterEntry[];
}

const faded = (percent: number, reportedAt: number, now: number): number => {
  const weight = Math.exp(-Math.max(0, now - reportedAt) / fadeMs);
  return weight * percent + (1 - weight) * 50;
};

/** Slots promised since its report. */
const promised = ({ report, offer }: RosterEntry): number => Math.max(0, report.free - offer);

/**
 * Expected load of a host in percent: what it reported of its CPUs or its disk, whichever is more, faded with age, and what was
 * promised to it since.
 */
export function expectedLoad(entry: RosterEntry, now: number): number {
  const { report, reportedAt } = entry;
  return (
    faded(Math.max(report.cpuPercent, report.ioPercent), reportedAt, now) +
    (100 * promised(entry)) / Math.max(1, entry.report.total)
  );
}

/** The same for a job that lives by the disk, of which a host has one, whatever its slots. */
function expectedWait(entry: RosterEntry, now: number): number {
  return faded(entry.report.ioPercent, entry.reportedAt, now) + 100 * promised(entry);
}

/** Two that live by one disk take longer than one after the other. A host that does not tell is taken for idle. */
function hasDisk({ report, leases }: RosterEntry, now: number): boolean {
  if (report.ioPercent >= diskBusy) return false;
  for (const { wanted, grantedAt } of leases) if (wanted?.io && now - grantedAt < seenMs) return false;
  return true;
}

/** Whether it has room for one more such job beside those that may not have taken theirs yet; a host that does not tell has. */
function hasRoom({ report, leases }: RosterEntry, memoryMb: number, now: number): boolean {
  if (memoryMb === 0 || report.availableMb === 0) return true;
  let left = report.availableMb - memoryMb;
  for (const { wanted, grantedAt } of leases) if (now - grantedAt < grownMs) left -= wanted?.memoryMb ?? 0;
  return left >= 0;
}

/**
 * The host for one more job, or undefined when none is suitable. Looks at no more entries than there are excluded
 * ones, and a few, however long the list is.
 */
export function place(
  { offering, preferred }: Pool,
  { io, memoryMb }: Wanted,
  excluded: ReadonlySet<string>,
  random: Random,
  now: number,
): RosterEntry | undefined {
  const suits = (entry: RosterEntry): boolean =>
    hasRoom(entry, memoryMb, now) && (!io || hasDisk(entry, now));
  const fast = preferred.find(
    (entry) => offering[entry.offerIndex] === entry && !excluded.has(entry.host) && suits(entry),
  );
  if (fast) return fast;
  const taken = new Set<RosterEntry>();
  const looks = io || memoryMb > 0 ? looksMax : 2;
  const cost = io ? expectedWait : expectedLoad;
  let best: RosterEntry | undefined;
  while (taken.size < looksMax) {
    // What nobody knows may live by the disk.
    if (taken.size >= looks && best && best.report.ioPercent < diskBusy) break;
    const entry = draw(offering, excluded, random, taken);
    if (!entry) break;
    taken.add(entry);
    if (suits(entry) && (!best || cost(entry, now) < cost(best, now))) best = entry;
  }
  return best;
}

/** One of the suitable: from a random place on, the first that is neither excluded nor taken. */
function draw(
  offering: readonly RosterEntry[],
  excluded: ReadonlySet<string>,
  random: Random,
  taken: ReadonlySet<RosterEntry>,
): RosterEntry | undefined {
  const start = Math.floor(random() * offering.length);
  const looks = Math.min(offering.length, excluded.size + taken.size + 1);
  for (let step = 0; step < looks; step++) {
    const entry = offering[(start + step) % offering.length];
    if (entry && !taken.has(entry) && !excluded.has(entry.host)) return entry;
  }
  return undefined;
}
