/** Leases that prexd holds, and what runs under them. Pure. */
import { takes } from "../core/kinds/need.js";
import type { Takes } from "../core/kinds/promises.js";
import type { Lease } from "../wire/control.js";
import { noNext, type Turn } from "./ahead.js";
import type { Job } from "./waiting.js";

export interface Held extends Turn<Job> {
  readonly lease: Lease;
  /** Of the jobs that it was asked for. */
  readonly kind: string;
  readonly grantedAt: number;
  busy: boolean;
  idleSince: number;
  /** What its job takes, and when it is expected to end; null when that is not known. */
  takes: Takes;
  endsAt: number | null;
  /** It is a long one. */
  planned: boolean;
  /** What runs there, when nothing is known of it, and since when. */
  unknown: { readonly program: string; readonly since: number } | null;
}

/**
 * An unused lease is given back after, ms. Longer than the gap between two programs of a loop; no longer, since nobody
 * keeps the slot for it: the leader promises it to no one else, and programs of its own host take it meanwhile.
 */
export const IDLE_LEASE_MS = 100;
/** The same while long jobs are planned, which are worth waiting for: a host that their memory fills offers no slot anew. */
const IDLE_PLANNED_MS = 500;
/** The same while somebody was sent ahead: many more are on their way, and an idle host is better than a turn. */
const IDLE_AHEAD_MS = 1000;

const nothing = takes(null);

export class Leases {
  readonly #held = new Map<string, Held>();

  get size(): number {
    return this.#held.size;
  }

  /** When the next unused one is to be given back; Infinity when there is none. */
  giveBackAt(planned: boolean): number {
    let at = Number.POSITIVE_INFINITY;
    const idleMs = this.#idleMs(planned);
    for (const { idleSince } of this.idle()) at = Math.min(at, idleSince + idleMs);
    return at;
  }

  get(id: string): Held | undefined {
    return this.#held.get(id);
  }

  all(): IterableIterator<Held> {
    return this.#held.values();
  }

  busy(): Held[] {
    return [...this.#held.values()].filter(({ busy }) => busy);
  }

  idle(): Held[] {
    return [...this.#held.values()].filter(({ busy }) => !busy);
  }

  on(host: string): Held[] {
    return [...this.#held.values()].filter(({ lease }) => lease.host === host);
  }

  /** What ours take on a host together. */
  taken(host: string): Takes {
    let [memoryMb, io] = [0, false];
    for (const { takes: one } of this.on(host)) {
      memoryMb += one.memoryMb;
      io ||= one.io;
    }
    return { memoryMb, io };
  }

  add(lease: Lease, kind: string, now: number): void {
    const idle = {
      busy: false,
      idleSince: now,
      takes: nothing,
      endsAt: null,
      planned: false,
      unknown: null,
      ...noNext,
    };
    this.#held.set(lease.id, { lease, kind, grantedAt: now, ...idle });
  }

  begun(held: Held, { need, program = "" }: Job, endsAt: number | null, planned: boolean, now: number): void {
    held.busy = true;
    held.unknown = need ? null : { program, since: now };
    held.planned = planned;
    held.takes = takes(need);
    held.endsAt = endsAt;
  }

  freed(held: Held, now: number): void {
    held.busy = false;
    held.idleSince = now;
    held.planned = false;
    held.unknown = null;
    held.takes = nothing;
    held.endsAt = null;
  }

  /** A program of which nothing is known takes at least so long, by those that still run, ms. */
  atLeastMs(program: string, now: number): number {
    let ms = 0;
    for (const { unknown } of this.#held.values())
      if (unknown?.program === program) ms = Math.max(ms, now - unknown.since);
    return ms;
  }

  /** @returns whether it was held */
  remove(id: string): boolean {
    return this.#held.delete(id);
  }

  /** Those that nobody has used for too long: held no more. */
  takeUnused(planned: boolean, now: number): Held[] {
    const idleMs = this.#idleMs(planned);
    const unused = this.idle().filter(({ idleSince }) => now >= idleSince + idleMs);
    for (const { lease } of unused) this.#held.delete(lease.id);
    return unused;
  }

  clear(): void {
    this.#held.clear();
  }

  #idleMs(planned: boolean): number {
    for (const { next } of this.#held.values()) if (next) return IDLE_AHEAD_MS;
    return planned ? IDLE_PLANNED_MS : IDLE_LEASE_MS;
  }
}
