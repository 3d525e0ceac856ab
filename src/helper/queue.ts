/**
 * Who waits for a host, and who gets one. Pure: what happened goes in with the time, what to do comes out of `take`.
 * The rules are in ARCHITECTURE.md, "prexd: queue and leases".
 */
import type { Lease } from "../wire/control.js";

export interface Waiting {
  readonly id: number;
  /** Hosts that cannot run this job. */
  readonly excluded: ReadonlySet<string>;
  /** Must not simply get a slot of this host. */
  readonly byHand: boolean;
}

export type Effect =
  | { readonly do: "assign"; readonly job: number; readonly lease: Lease }
  | { readonly do: "here"; readonly job: number; readonly why: string }
  | { readonly do: "request"; readonly id: number; readonly count: number; readonly exclude: string[] }
  | { readonly do: "release"; readonly leases: string[] };

interface Held {
  readonly lease: Lease;
  busy: boolean;
  idleSince: number;
}

/**
 * An unused lease is given back after, ms. Longer than the gap between two programs of a loop; no longer, since nobody
 * keeps the slot for it: the leader promises it to no one else, and programs of its own host take it meanwhile.
 */
export const IDLE_LEASE_MS = 100;
/** Patience never shrinks below, ms. */
const PATIENCE_MIN_MS = 50;
/** An unanswered request is forgotten after, ms. */
const ANSWER_MS = 2000;
const REQUEST_MAX = 64;

export class Queue {
  private readonly waiting = new Map<number, Waiting & { readonly since: number }>();
  private readonly leases = new Map<string, Held>();
  private patience: number;
  private asked: { id: number; count: number; at: number } | undefined;
  private lastRequest = 0;
  private denied: { until: number; why: string } | undefined;
  /** Slots of this host in use when last looked. */
  private takenHere = 0;
  private effects: Effect[] = [];

  /** @param patienceMs - longest wait, as configured */
  constructor(private readonly patienceMs: number) {
    this.patience = patienceMs;
  }

  get length(): number {
    return this.waiting.size;
  }
  get leaseCount(): number {
    return this.leases.size;
  }

  /** When the next unused lease is to be given back, by `tick`; Infinity when there is none. */
  get giveBackAt(): number {
    let at = Number.POSITIVE_INFINITY;
    for (const { busy, idleSince } of this.leases.values())
      if (!busy) at = Math.min(at, idleSince + IDLE_LEASE_MS);
    return at;
  }

  add(job: Waiting, now: number): void {
    this.waiting.set(job.id, { ...job, since: now });
    this.step(now);
  }

  /** The job is not wanted any more. */
  remove(id: number): void {
    this.waiting.delete(id);
  }

  granted(id: number, leases: readonly Lease[], now: number): void {
    if (this.asked?.id === id) this.asked = undefined;
    this.denied = undefined;
    for (const lease of leases) this.leases.set(lease.id, { lease, busy: false, idleSince: now });
    this.step(now);
  }

  denial(id: number, retryMs: number, why: string, now: number): void {
    if (this.asked?.id === id) this.asked = undefined;
    this.denied = { until: now + retryMs, why };
    this.step(now);
  }

  /** Leases ended by the leader; jobs that run under them are not touched. */
  lost(ids: readonly string[], now: number): void {
    for (const id of ids) this.leases.delete(id);
    this.step(now);
  }

  /** pantsd cannot be reached: every lease is void, nobody can be asked. */
  absent(now: number): void {
    this.leases.clear();
    this.asked = undefined;
    this.denied = undefined;
    this.allHere("no pantsd on this host");
    this.step(now);
  }

  /** A job is done with its lease; `used`: it ran, so a slot has turned over. */
  freed(leaseId: string, used: boolean, now: number): void {
    const held = this.leases.get(leaseId);
    if (held !== undefined) {
      held.busy = false;
      held.idleSince = now;
    }
    if (used) this.patience = this.patienceMs;
    this.step(now);
  }

  /** A lease is worth nothing: its host is full or cannot be reached. */
  giveUp(leaseId: string, now: number): void {
    if (this.leases.delete(leaseId)) this.effects.push({ do: "release", leases: [leaseId] });
    this.step(now);
  }

  /** Slots of this host: `free` of them may be used by jobs that wait. */
  slotsHere(free: number, taken: number, now: number): void {
    if (taken < this.takenHere) this.patience = this.patienceMs;
    this.takenHere = taken;
    let left = free;
    for (const job of this.waiting.values()) {
      if (left <= 0) break;
      if (job.byHand) continue;
      this.here(job.id, "a slot is free here");
      left--;
    }
    this.step(now);
  }

  /** Time passes. */
  tick(now: number): void {
    let expired = false;
    for (const job of this.waiting.values()) {
      if (now - job.since < this.patience) continue;
      expired = true;
      this.here(job.id, `no slot anywhere in ${Math.round((now - job.since) / 100) / 10} s`);
    }
    if (expired) this.patience = Math.max(this.patience / 2, PATIENCE_MIN_MS);
    if (this.asked !== undefined && now - this.asked.at > ANSWER_MS) this.asked = undefined;
    this.step(now);
    const idle = [...this.leases.values()].filter((h) => !h.busy && now >= h.idleSince + IDLE_LEASE_MS);
    if (idle.length === 0) return;
    for (const held of idle) this.leases.delete(held.lease.id);
    this.effects.push({ do: "release", leases: idle.map((h) => h.lease.id) });
  }

  /** What is to be done now, once. */
  take(): Effect[] {
    const effects = this.effects;
    this.effects = [];
    return effects;
  }

  private step(now: number): void {
    for (const held of this.leases.values()) {
      if (this.waiting.size === 0) return;
      if (!held.busy) this.give(held);
    }
    if (this.waiting.size === 0) return;
    if (this.denied !== undefined && now < this.denied.until) {
      if (!this.turnsOver()) this.allHere(this.denied.why);
    } else this.request(now);
  }

  private give(held: Held): void {
    for (const job of this.waiting.values()) {
      if (job.excluded.has(held.lease.host)) continue;
      held.busy = true;
      this.waiting.delete(job.id);
      this.effects.push({ do: "assign", job: job.id, lease: held.lease });
      return;
    }
  }

  /** One request at a time, for everybody who waits. */
  private request(now: number): void {
    if (this.asked !== undefined) return;
    const id = ++this.lastRequest;
    const count = Math.min(this.waiting.size, REQUEST_MAX);
    this.asked = { id, count, at: now };
    this.effects.push({ do: "request", id, count, exclude: this.commonExclusions() });
  }

  /** Hosts that no waiting job can use. */
  private commonExclusions(): string[] {
    const [first, ...rest] = [...this.waiting.values()];
    return [...(first?.excluded ?? [])].filter((host) => rest.every((job) => job.excluded.has(host)));
  }

  /** Waiting pays only if something of ours or of this host will end. */
  private turnsOver(): boolean {
    return this.takenHere > 0 || [...this.leases.values()].some((held) => held.busy);
  }

  private allHere(why: string): void {
    for (const id of [...this.waiting.keys()]) this.here(id, why);
  }

  private here(job: number, why: string): void {
    this.waiting.delete(job);
    this.effects.push({ do: "here", job, why });
  }
}
