/**
 * Who waits for a host, and who gets one. Pure: what happened goes in with the time, what to do comes out of `take`.
 * The rules are in ARCHITECTURE.md, "prexd: queue and leases".
 */
import { WorkMemory } from "../core/kinds/memory.js";
import {
  anyHost,
  durationMs,
  livesByDisk,
  memoryClass,
  type Need,
  takes,
  type Wanted,
} from "../core/kinds/need.js";
import { Promises } from "../core/kinds/promises.js";
import type { Lease } from "../wire/control.js";
import { callBackFor, callBackLate, farAhead, noNext, type Turn, turnMs, turnsSoon } from "./ahead.js";
import { Pace } from "./pace.js";
import { choose, classOf, inOrder, isSlow, type Outlook } from "./queue-order.js";
import { type HomeSlots, hereMs, WaitModel } from "./wait-model.js";

export interface Waiting {
  readonly id: number;
  /** Hosts that cannot run this job. */
  readonly excluded: ReadonlySet<string>;
  /** Must not simply get a slot of this host. */
  readonly away: boolean;
  /** What it will need; null or nothing: not known. */
  readonly need?: Need | null;
  /** May wait on another host for the end of what runs there: should that host be lost, it can be run again. */
  readonly ahead?: boolean;
}

export type Effect =
  /** `ahead`: it waits there for the end of the job that has the lease. */
  | { readonly do: "assign"; readonly job: number; readonly lease: Lease; readonly ahead: boolean }
  /** A job that was sent ahead has its slot now. */
  | { readonly do: "follow"; readonly job: number }
  /** One that was sent ahead shall come back, unless it has begun. */
  | { readonly do: "callBack"; readonly job: number }
  /** `slot`: one is free here now. */
  | { readonly do: "here"; readonly job: number; readonly why: string; readonly slot: boolean }
  | {
      readonly do: "request";
      readonly id: number;
      readonly count: number;
      readonly exclude: string[];
      readonly wanted: Wanted;
    }
  | { readonly do: "release"; readonly leases: string[] };

interface Job extends Waiting {
  readonly since: number;
  readonly need: Need | null;
  readonly kind: string;
}

interface Held extends Turn<Job> {
  readonly lease: Lease;
  /** Of the jobs that it was asked for. */
  readonly kind: string;
  readonly grantedAt: number;
  busy: boolean;
  idleSince: number;
  /** When its job is expected to end. */
  endsAt: number | null;
}

/**
 * An unused lease is given back after, ms. Longer than the gap between two programs of a loop; no longer, since nobody
 * keeps the slot for it: the leader promises it to no one else, and programs of its own host take it meanwhile.
 */
export const IDLE_LEASE_MS = 100;
const IDLE_AHEAD_MS = 1000;
/** Patience never shrinks below, ms. */
const PATIENCE_MIN_MS = 50;
/** Nobody waits longer than so many times the configured patience, not even when there is no room here. */
const PATIENCES_MAX = 10;
/** An unanswered request is forgotten after, ms. */
const ANSWER_MS = 2000;
const REQUEST_MAX = 64;
/** A job that has waited for so many times as long as it takes to serve all goes first, and not before so many ms. */
const OVERDUE = 4;
const OVERDUE_MIN_MS = 2000;
/** Jobs that compute for longer are worth a fast host, ms; so many are named. */
const PREFER_MIN_MS = 200;
const PREFER_MAX = 4;
/** A host on which jobs take so many times as long as they should has work of its own. */
const SLOWED = 1.3;
/** While jobs of ours run elsewhere that take so long, newcomers ask here before they take a slot of this host, ms. */
const FIRST_MIN_MS = 50;
/** A lease on a slow host serves such jobs for so long; then it is asked whether a fast one has a slot, ms. */
const ASK_AGAIN_MS = 1000;

const anyKind = classOf(null);

export class Queue {
  private readonly waiting = new Map<number, Job>();
  private readonly leases = new Map<string, Held>();
  private readonly model = new WaitModel();
  private patience: number;
  private asked: { id: number; count: number; at: number; kind: string } | undefined;
  private lastRequest = 0;
  /** By kind of job. */
  private readonly denied = new Map<string, { until: number; why: string }>();
  /** This host when last looked at. */
  private home: HomeSlots = { free: 0, taken: 0, total: 1, room: Number.POSITIVE_INFINITY };
  private readonly promises = new Promises();
  private readonly pace = new Pace();
  /** Jobs that were called back for a slot and may not have got it: once is enough. */
  private readonly returned = new Set<number>();
  private effects: Effect[] = [];

  /**
   * @param patienceMs - longest wait, as configured
   * @param works - what jobs need, and how fast hosts are
   * @param random - spreads jobs over hosts that are equally fast
   */
  constructor(
    private readonly patienceMs: number,
    private readonly works = new WorkMemory(),
    private readonly random: () => number = () => 0,
  ) {
    this.patience = patienceMs;
  }

  get length(): number {
    return this.waiting.size;
  }
  get leaseCount(): number {
    return this.leases.size;
  }

  /** Longer while somebody was sent ahead: many more are on their way, and an idle host is better than a turn. */
  private get idleMs(): number {
    for (const { next } of this.leases.values()) if (next) return IDLE_AHEAD_MS;
    return IDLE_LEASE_MS;
  }

  /** When the next unused lease is to be given back, by `tick`; Infinity when there is none. */
  get giveBackAt(): number {
    let at = Number.POSITIVE_INFINITY;
    for (const { busy, idleSince } of this.leases.values())
      if (!busy) at = Math.min(at, idleSince + this.idleMs);
    return at;
  }

  /** Slots elsewhere are at hand: whoever is started here should ask, even if a slot is free. */
  get first(): boolean {
    const { meanMs } = this.works;
    if (meanMs === null || meanMs < FIRST_MIN_MS) return false;
    return [...this.leases.values()].some(({ busy }) => busy);
  }

  add(job: Waiting, now: number): void {
    if (this.waiting.size === 0) this.model.began(now);
    const need = job.need ?? null;
    this.waiting.set(job.id, { ...job, need, kind: classOf(need), since: now });
    this.step(now);
  }

  /** The job is not wanted any more. */
  remove(id: number): void {
    this.waiting.delete(id);
    this.returned.delete(id);
  }

  granted(id: number, leases: readonly Lease[], now: number): void {
    const kind = this.asked?.id === id ? this.asked.kind : anyKind;
    if (this.asked?.id === id) this.asked = undefined;
    this.denied.delete(kind);
    for (const lease of leases)
      this.leases.set(lease.id, {
        lease,
        kind,
        grantedAt: now,
        busy: false,
        idleSince: now,
        endsAt: null,
        ...noNext,
      });
    this.step(now);
  }

  denial(id: number, retryMs: number, why: string, now: number): void {
    const kind = this.asked?.id === id ? this.asked.kind : anyKind;
    if (this.asked?.id === id) this.asked = undefined;
    this.denied.set(kind, { until: now + retryMs, why });
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
    this.denied.clear();
    for (const job of [...this.waiting.values()]) this.here(job, "no pantsd on this host", now);
    this.step(now);
  }

  /** A job is done with its lease; `used`: it ran, so a slot has turned over. */
  freed(leaseId: string, used: boolean, now: number): void {
    const held = this.leases.get(leaseId);
    if (held?.next) this.follow(held, held.next, now);
    else if (held !== undefined) {
      held.busy = false;
      held.idleSince = now;
      held.endsAt = null;
    }
    if (used) this.patience = this.patienceMs;
    this.step(now);
  }

  /** A job that was sent ahead does not wait there any more: it was refused, or it is over. */
  notAhead(leaseId: string, job: number, now: number): void {
    const held = this.leases.get(leaseId);
    if (held?.next?.id === job) Object.assign(held, noNext);
    this.step(now);
  }

  /** A lease is worth nothing: its host is full or cannot be reached. */
  giveUp(leaseId: string, now: number): void {
    if (this.leases.delete(leaseId)) this.effects.push({ do: "release", leases: [leaseId] });
    this.step(now);
  }

  /** This host was looked at: jobs that wait may take its free slots. */
  slotsHere(home: HomeSlots, now: number): void {
    if (home.taken < this.home.taken) this.patience = this.patienceMs;
    this.home = home;
    while (this.home.free > 0) {
      const job = choose(
        [...this.waiting.values()].filter((job) => this.isSoonHere(job, now)),
        "",
        this.outlook(now),
      );
      if (!job) break;
      this.model.turned(now);
      this.here(job, "a slot is free here", now);
    }
    this.step(now);
  }

  /** A job that was told to run here has ended. */
  endedHere(job: number, now: number): void {
    this.pace.ended(job, now);
    this.promises.ended(job, this.home.availableMb ?? 0);
  }

  /** Time passes. */
  tick(now: number): void {
    let expired = false;
    for (const job of this.waiting.values()) {
      const waitedMs = now - job.since;
      if (waitedMs < this.patience) continue;
      // It would drown this host, or end later here: then it waits for long, but not for ever.
      const patient = this.home.room <= 0 || !this.fits(job, now) || !choose([job], "", this.outlook(now));
      if (patient && waitedMs < PATIENCES_MAX * this.patienceMs) continue;
      expired = true;
      this.here(job, `no slot anywhere in ${Math.round(waitedMs / 100) / 10} s`, now);
    }
    if (expired) this.patience = Math.max(this.patience / 2, PATIENCE_MIN_MS);
    if (this.asked !== undefined && now - this.asked.at > ANSWER_MS) this.asked = undefined;
    if (this.leases.size === 0) this.returned.clear();
    this.soonerHere(now);
    for (const { id } of callBackLate(this.leases.values(), now))
      this.effects.push({ do: "callBack", job: id });
    this.step(now);
    const idle = [...this.leases.values()].filter((h) => !h.busy && now >= h.idleSince + this.idleMs);
    if (idle.length === 0) return;
    for (const held of idle) this.leases.delete(held.lease.id);
    // There is a slot again, for whoever would be sent ahead otherwise.
    this.denied.clear();
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
      if (!held.busy && this.waiting.size > 0) this.give(held, now);
      if (!held.busy) this.callBack(held.lease.host, now);
    }
    this.sendAhead(now);
    this.ask(now);
  }

  /** So that no host runs dry while its next job is on its way: those that no other host takes now wait there. */
  private sendAhead(now: number): void {
    for (const held of turnsSoon<Job, Held>(this.leases.values(), now)) {
      const able = [...this.waiting.values()].filter((job) => this.maySendAhead(job, held, now));
      const job = choose(able, held.lease.host, this.outlook(now));
      if (!job) continue;
      held.next = job;
      this.waiting.delete(job.id);
      this.effects.push({ do: "assign", job: job.id, lease: held.lease, ahead: true });
    }
  }

  /**
   * Whether a free slot of this host is as good for it as the next turn elsewhere. Where work of its own slows jobs down, what
   * they take is taken from that work, on which the jobs to come depend: then it is only for those who have no turn.
   */
  private isSoonHere(job: Job, now: number): boolean {
    if (job.away || !this.fits(job, now)) return false;
    const { need } = job;
    if (!need) return true;
    const factor = this.pace.factor(now);
    if (factor > SLOWED && job.ahead === true && job.kind === anyKind)
      for (const held of turnsSoon<Job, Held>(this.leases.values(), now))
        if (this.suits(held, job, now)) return false;
    return durationMs(need, this.works.speeds.speed("")) * factor <= this.turnMs(1, job, need, now);
  }

  private turnMs(n: number, job: Job, need: Need, now: number): number {
    return turnMs(n, job, need, this.leases.values(), this.works.speeds, now);
  }

  /** A host has a slot that nobody waits for, but somebody waits elsewhere for a job that goes on for a while. */
  private callBack(host: string, now: number): void {
    const job = callBackFor(host, this.leases.values(), this.returned, now);
    if (!job) return;
    this.returned.add(job.id);
    this.effects.push({ do: "callBack", job: job.id });
  }

  private maySendAhead(job: Job, held: Held, now: number): boolean {
    if (job.ahead !== true || job.kind !== anyKind || this.standing(job, now) === undefined) return false;
    if (this.home.free > 0 && this.isSoonHere(job, now)) return false;
    return this.suits(held, job, now);
  }

  private follow(held: Held, job: Job, now: number): void {
    Object.assign(held, noNext);
    this.returned.delete(job.id);
    held.endsAt = job.need ? now + durationMs(job.need, this.works.speeds.speed(held.lease.host)) : null;
    this.model.turned(now);
    this.effects.push({ do: "follow", job: job.id });
  }

  private give(held: Held, now: number): void {
    const { host } = held.lease;
    const able = [...this.waiting.values()].filter((job) => this.suits(held, job, now));
    const meant = able.filter(({ kind }) => kind === held.kind);
    const job = choose(meant.length > 0 ? meant : able, host, this.outlook(now));
    if (!job) return;
    held.busy = true;
    held.endsAt = job.need ? now + durationMs(job.need, this.works.speeds.speed(host)) : null;
    this.model.turned(now);
    this.waiting.delete(job.id);
    this.returned.delete(job.id);
    this.effects.push({ do: "assign", job: job.id, lease: held.lease, ahead: false });
  }

  /** Whether a job may take this lease, or had better ask for one of its own first. */
  private suits({ lease, kind, grantedAt }: Held, job: Job, now: number): boolean {
    // The leader saw to it that this host has what those need that the lease was asked for; any has what others need.
    if (job.excluded.has(lease.host) || (job.kind !== kind && job.kind !== anyKind)) return false;
    // When it was granted nobody faster was free; that may have changed.
    const known = now - grantedAt < ASK_AGAIN_MS || this.standing(job, now) !== undefined;
    return known || !wantsSpeed(job.need) || !isSlow(this.works.speeds, lease.host);
  }

  /** One request at a time, for all of one kind who wait: that of who is overdue, else of the longest job. */
  private ask(now: number): void {
    // Those who were sent ahead are better off in a slot that is free.
    const jobs = [...this.waiting.values(), ...farAhead(this.leases.values(), now)];
    if (this.asked !== undefined || jobs.length === 0) return;
    for (const first of inOrder(jobs, this.outlook(now))) {
      if (this.standing(first, now) !== undefined) continue;
      const alike = jobs.filter(({ kind }) => kind === first.kind);
      const id = ++this.lastRequest;
      const count = Math.min(alike.length, REQUEST_MAX);
      this.asked = { id, count, at: now, kind: first.kind };
      const exclude = [...commonExclusions(alike), ...this.betterLeft(alike, now)];
      this.effects.push({ do: "request", id, count, exclude, wanted: this.wanted(first.need) });
      return;
    }
    if (!this.turnsOver()) this.allHere(now);
  }

  private wanted(need: Need | null): Wanted {
    if (!need) return anyHost;
    const prefer = wantsSpeed(need) ? this.works.speeds.prefer(PREFER_MAX, this.random) : [];
    return { io: livesByDisk(need), memoryMb: memoryClass(need), prefer };
  }

  /** Hosts whose slot none of these jobs would take. */
  private betterLeft(jobs: readonly Job[], now: number): string[] {
    const outlook = this.outlook(now);
    if (jobs.length > outlook.running.length) return [];
    const known = this.works.speeds.ranked().filter(({ host }) => host !== "");
    return known.filter(({ host }) => choose(jobs, host, outlook) === undefined).map(({ host }) => host);
  }

  private outlook(now: number): Outlook {
    const running = [...this.leases.values()]
      .filter(({ busy }) => busy)
      .map(({ lease, endsAt }) => ({ host: lease.host, endsAt }));
    // As long as it takes to come to everybody's turn, several times.
    const turns = Math.max(1, this.waiting.size / Math.max(1, running.length));
    const overdueMs = Math.max(OVERDUE_MIN_MS, OVERDUE * turns * (this.works.meanMs ?? 0));
    return { now, overdueMs, speeds: this.works.speeds, running };
  }

  /** The denial that still stands for such a job. */
  private standing({ kind }: Job, now: number): { why: string } | undefined {
    const denied = this.denied.get(kind);
    if (denied && now < denied.until) return denied;
    this.denied.delete(kind);
    return undefined;
  }

  /** Jobs that no other host takes now, and that end sooner here than after a wait. */
  private soonerHere(now: number): void {
    let place = 0;
    for (const job of this.waiting.values()) {
      if (this.home.room <= 0) return;
      place += 1;
      const { meanMs } = this.works;
      const need =
        job.need ?? (meanMs === null ? null : { cpuMs: meanMs, waitMs: 0, ownMs: 0, ioKb: 0, memoryMb: 0 });
      const waitMs = this.model.waitMs(place, now);
      if (job.away || !need || waitMs === null || !this.standing(job, now)) continue;
      // Whoever runs beside the slots finds no idle disk, and no memory that nobody else has.
      if (job.kind !== anyKind) continue;
      const elsewhereMs = Math.min(waitMs + durationMs(need, 1), this.turnMs(place, job, need, now));
      if (this.pace.factor(now) * hereMs(need, this.home) >= elsewhereMs) continue;
      place -= 1;
      this.here(job, "sooner here than in a slot elsewhere", now);
    }
  }

  /** Waiting pays only if something of ours or of this host will end. */
  private turnsOver(): boolean {
    return this.home.taken > 0 || [...this.leases.values()].some((held) => held.busy);
  }

  /** Nobody takes them, and nothing will end: as many as this host is meant to run at a time. */
  private allHere(now: number): void {
    for (const job of [...this.waiting.values()]) {
      if (this.home.room <= 0) return;
      this.here(job, this.standing(job, now)?.why ?? "no suitable host is free", now);
    }
  }

  /** Whether this host has what it needs beside a slot. */
  private fits({ need }: Job, now: number): boolean {
    const { availableMb = 0, diskBusy = false } = this.home;
    const wants = takes(need);
    return !(diskBusy && wants.io) && this.promises.fits(wants, availableMb, now);
  }

  private here({ id, need }: Job, why: string, now: number): void {
    this.promises.begun(id, takes(need), now);
    const { free, taken, room } = this.home;
    const ms = need && (free > 0 ? durationMs(need, this.works.speeds.speed("")) : hereMs(need, this.home));
    if (ms !== null) this.pace.begun(id, ms, now);
    this.home = {
      ...this.home,
      free: Math.max(0, free - 1),
      taken: taken + (free > 0 ? 1 : 0),
      room: room - 1,
    };
    this.waiting.delete(id);
    this.returned.delete(id);
    this.effects.push({ do: "here", job: id, why, slot: free > 0 });
  }
}

const wantsSpeed = (need: Need | null): boolean =>
  need !== null && need.cpuMs >= PREFER_MIN_MS && !livesByDisk(need);

/** Hosts that no waiting job can use. */
function commonExclusions([first, ...rest]: readonly Job[]): string[] {
  return [...(first?.excluded ?? [])].filter((host) => rest.every((job) => job.excluded.has(host)));
}
