/**
 * When jobs end on one host that start there in a given order, each as soon as there are a slot, memory and an idle disk for
 * it; a later one goes first when those before it do not fit. Pure.
 */
import { durationMs, type Need } from "../core/kinds/need.js";
import type { Takes } from "../core/kinds/promises.js";

/** A job that runs there. */
export interface Booked extends Takes {
  /** When it is expected to end, ms. */
  readonly endsAt: number;
}

/** A host with slots for jobs that wait here. */
export interface Place {
  /** Empty: this one. */
  readonly host: string;
  readonly speed: number;
  /** Jobs that it runs at a time, those counted that run already. */
  readonly slots: number;
  /** One that lives by the disk needs none of them. */
  readonly besides: boolean;
  /** For all of these jobs together, MiB; Infinity when not known. */
  readonly memoryMb: number;
  /** Others leave its disk alone. */
  readonly disk: boolean;
  readonly running: readonly Booked[];
}

export interface Planned {
  readonly id: number;
  /** Hosts that cannot run it. */
  readonly excluded: ReadonlySet<string>;
  /** Not on this host. */
  readonly away: boolean;
  readonly need: Need;
  readonly takes: Takes;
}

export interface Timeline<P extends Planned> {
  /** When the last of them ends; Infinity when one can never start. */
  readonly endsAt: number;
  /** Time until each of them ends, added up, ms. */
  readonly flowMs: number;
  /** Those that start now. */
  readonly first: readonly P[];
  /** When the last in the order ends. */
  readonly lastEndsAt: number;
}

/** Who should have ended by now ends so soon, ms. */
const lateMs = 500;

export function timeline<P extends Planned>(place: Place, order: readonly P[], now: number): Timeline<P> {
  const { slots, besides, memoryMb, speed } = place;
  const active = place.running.map((one) => ({ ...one, endsAt: Math.max(one.endsAt, now + lateMs) }));
  const left = [...order];
  const last = left[left.length - 1];
  const first: P[] = [];
  let [endsAt, flowMs, lastEndsAt] = [now, 0, now];
  for (let time = now; ; ) {
    let taken = 0;
    let usedMb = 0;
    let streams = place.disk ? 0 : 1;
    for (const one of active) {
      if (!one.io || !besides) taken += 1;
      if (one.io) streams += 1;
      usedMb += one.memoryMb;
    }
    for (let at = 0; at < left.length; ) {
      // Nobody else can start now, whoever it is.
      if (taken >= slots && (!besides || streams > 0)) break;
      const job = left[at] as P;
      const wants = job.takes;
      const slot = !wants.io || !besides;
      const fits = (!slot || taken < slots) && (!wants.io || streams === 0);
      if (!fits || (wants.memoryMb > 0 && usedMb + wants.memoryMb > memoryMb)) {
        at += 1;
        continue;
      }
      left.splice(at, 1);
      if (slot) taken += 1;
      if (wants.io) streams += 1;
      usedMb += wants.memoryMb;
      const end = time + durationMs(job.need, speed);
      active.push({ memoryMb: wants.memoryMb, io: wants.io, endsAt: end });
      if (time === now) first.push(job);
      if (job === last) lastEndsAt = end;
      endsAt = Math.max(endsAt, end);
      flowMs += end - now;
    }
    if (left.length === 0) return { endsAt, flowMs, first, lastEndsAt };
    if (active.length === 0) break;
    let next = 0;
    for (let at = 1; at < active.length; at++)
      if ((active[at]?.endsAt ?? 0) < (active[next]?.endsAt ?? 0)) next = at;
    time = active[next]?.endsAt ?? time;
    active.splice(next, 1);
  }
  const never = Number.POSITIVE_INFINITY;
  return { endsAt: never, flowMs: never, first: [], lastEndsAt: never };
}
