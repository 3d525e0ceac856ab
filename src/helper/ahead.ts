/**
 * Jobs that were sent ahead: each waits on another host for the end of a job of ours, so that no host runs dry while its next
 * job is on its way. Pure; the rules are in ARCHITECTURE.md, "prexd: queue and leases".
 */
import { durationMs, type Need } from "../core/kinds/need.js";
import type { Speeds } from "../core/kinds/speeds.js";

/** A host whose job is expected to end within, ms: for a longer one the gap is nothing. */
const soonMs = 2000;
/** It is called back for a slot that is free when its turn is farther away, ms. */
const farMs = 150;

export interface Follower {
  readonly id: number;
  readonly excluded: ReadonlySet<string>;
  readonly need: Need | null;
}

/** A lease as far as turns go. */
export interface Turn<F extends Follower> {
  readonly lease: { readonly host: string };
  readonly busy: boolean;
  /** When its job is expected to end; null when that is not known. */
  readonly endsAt: number | null;
  /** Waits there for that end; it was called back. */
  next: F | undefined;
  called: boolean;
}

export const noNext = { next: undefined, called: false } as const;

/** Leases that a job may be sent ahead under, those whose turn comes first in front; none whose job is long overdue. */
export function turnsSoon<F extends Follower, T extends Turn<F>>(turns: Iterable<T>, now: number): T[] {
  return [...turns]
    .filter(({ busy, next, endsAt }) => busy && !next && endsAt !== null && Math.abs(endsAt - now) < soonMs)
    .sort((a, b) => (a.endsAt ?? 0) - (b.endsAt ?? 0));
}

/** Sent ahead, and their turn is far. */
export function farAhead<F extends Follower>(turns: Iterable<Turn<F>>, now: number): F[] {
  return [...turns].flatMap(({ next, called, endsAt }) =>
    next && !called && (endsAt ?? now) > now + farMs ? [next] : [],
  );
}

/**
 * Marks and returns whoever had better come back for a slot on this host: it waits elsewhere, and its turn is farthest.
 * @param not - jobs that stay where they are
 */
export function callBackFor<F extends Follower>(
  host: string,
  turns: Iterable<Turn<F>>,
  not: ReadonlySet<number>,
  now: number,
): F | undefined {
  let far: Turn<F> | undefined;
  for (const turn of turns) {
    const { next, called, lease } = turn;
    if (!next || called || next.excluded.has(host) || lease.host === host || not.has(next.id)) continue;
    if ((turn.endsAt ?? now) > Math.max(now + farMs, far?.endsAt ?? 0)) far = turn;
  }
  if (far) far.called = true;
  return far?.next;
}

/** Marks and returns those whose turn should have come long ago. */
export function callBackLate<F extends Follower>(turns: Iterable<Turn<F>>, now: number): F[] {
  const late = [...turns].filter(
    ({ next, called, endsAt }) => next && !called && now >= (endsAt ?? now) + soonMs,
  );
  for (const turn of late) turn.called = true;
  return late.flatMap(({ next }) => (next ? [next] : []));
}

/**
 * Until a job has ended if it takes the n-th turn on these hosts, ms; Infinity when nothing tells. A job that should have ended
 * is taken to need as long again as it is late.
 */
export function turnMs<F extends Follower>(
  n: number,
  { excluded }: Follower,
  need: Need,
  turns: Iterable<Turn<F>>,
  speeds: Speeds,
  now: number,
): number {
  let [soonest, hosts] = [Number.POSITIVE_INFINITY, 0];
  for (const { lease, busy, next, endsAt } of turns) {
    if (!busy || endsAt === null || excluded.has(lease.host)) continue;
    const speed = speeds.speed(lease.host);
    const turn = Math.abs(endsAt - now) + (next?.need ? durationMs(next.need, speed) : 0);
    soonest = Math.min(soonest, turn + durationMs(need, speed));
    hosts += 1;
  }
  return soonest + (hosts > 0 ? ((n - 1) * durationMs(need, 1)) / hosts : 0);
}
