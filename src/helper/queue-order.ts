/**
 * Which of the waiting jobs a slot is for. The longest one, as far as is known, so that none is left over for the end; on a
 * host that is slow beside others the shortest one, or none at all when it would be done sooner on a fast one that is about to be free.
 * Without knowledge, the first.
 */
import { durationMs, livesByDisk, memoryClass, type Need } from "../core/kinds/need.js";
import type { Speeds } from "../core/kinds/speeds.js";

export interface Candidate {
  readonly id: number;
  readonly since: number;
  readonly need: Need | null;
}

/** A job of ours on another host. */
export interface Running {
  readonly host: string;
  /** When it is expected to end; null when that is not known. */
  readonly endsAt: number | null;
}

export interface Outlook {
  readonly now: number;
  /** Whoever has waited for longer goes first, ms. */
  readonly overdueMs: number;
  readonly speeds: Speeds;
  readonly running: readonly Running[];
}

/** A host this much slower than the fastest is slow. */
const slower = 1.15;

/** Beside the fastest that is known. */
export function isSlow(speeds: Speeds, host: string): boolean {
  const fastest = speeds.ranked()[0]?.speed ?? 0;
  return (speeds.known(host) ?? 1) * slower <= fastest;
}

/** Jobs of one class can use the same hosts. */
export function classOf(need: Need | null): string {
  return need ? `${livesByDisk(need) ? "disk" : "any"} ${memoryClass(need)}` : "any 0";
}

/** @param candidates - oldest first. @returns undefined when the slot had better be left alone */
export function choose<C extends Candidate>(
  candidates: readonly C[],
  host: string,
  outlook: Outlook,
): C | undefined {
  if (!isSlow(outlook.speeds, host)) return foremost(candidates, outlook);
  const overdue = candidates.find((one) => isOverdue(one, outlook));
  const speed = outlook.speeds.known(host) ?? 1;
  const next = overdue ?? pick(candidates, (a, b) => a < b);
  const before = overdue ? 1 : candidates.length;
  return next && isSoonerElsewhere(next, before, speed, outlook) ? undefined : next;
}

/** The oldest that is overdue, else the longest; of several that are as long, the oldest. */
export function foremost<C extends Candidate>(candidates: readonly C[], outlook: Outlook): C | undefined {
  return candidates.find((one) => isOverdue(one, outlook)) ?? pick(candidates, (a, b) => a > b);
}

const isOverdue = ({ since }: Candidate, { now, overdueMs }: Outlook): boolean => now - since >= overdueMs;

function pick<C extends Candidate>(
  candidates: readonly C[],
  better: (a: number, b: number) => boolean,
): C | undefined {
  let best: C | undefined;
  for (const one of candidates) if (!best || better(length(one), length(best))) best = one;
  return best;
}

const length = ({ need }: Candidate): number => (need ? durationMs(need, 1) : 0);

/** Whether the last of so many waiting jobs ends sooner on a faster host whose job ends first. */
function isSoonerElsewhere(job: Candidate, waiting: number, speed: number, outlook: Outlook): boolean {
  const { need } = job;
  const { speeds, running, now } = outlook;
  if (!need) return false;
  const ends = running.flatMap(({ host, endsAt }) => {
    const theirs = speeds.known(host);
    const faster = theirs !== undefined && theirs >= slower * speed && endsAt !== null;
    return faster ? [Math.max(now, endsAt) + durationMs(need, theirs)] : [];
  });
  const end = ends.sort((a, b) => a - b)[waiting - 1];
  return end !== undefined && end < now + durationMs(need, speed);
}
