/**
 * Who waits for a host, and who gets one. Pure: what happened goes in with the time, what to do comes out of `take`.
 * The rules are in ARCHITECTURE.md, "prexd: queue and leases".
 */
import { WorkMemory } from "../core/kinds/memory.js";
import { durationMs, type Need, takes } from "../core/kinds/need.js";
import type { Lease } from "../wire/control.js";
import { Asking, anySlot } from "./asking.js";
import { HomeJobs } from "./home-jobs.js";
import { type Held, Leases } from "./leases.js";
import { Neighbours, PIPED_MS } from "./neighbours.js";
import { Places } from "./places.js";
import { isLong, Planner, planMinMs } from "./planner.js";
import { choose, classOf, type Outlook } from "./queue-order.js";
import { Turns } from "./turns.js";
import { type HomeSlots, hereMs, WaitModel } from "./wait-model.js";
import { Waiters } from "./waiters.js";
import type { Effect, Job, LongJob, Waiting } from "./waiting.js";

export type { Effect, Waiting } from "./waiting.js";

/** Patience never shrinks below, ms. */
const PATIENCE_MIN_MS = 50;
/** Nobody waits longer than so many times the configured patience, not even when there is no room here. */
const PATIENCES_MAX = 10;
/** A job that has waited for so many times as long as it takes to serve all goes first, and not before so many ms. */
const OVERDUE = 4;
const OVERDUE_MIN_MS = 2000;
/** While jobs of ours run elsewhere that take so long, newcomers ask here before they take a slot of this host, ms. */
const FIRST_MIN_MS = 50;

const anyKind = classOf(null);

export class Queue {
  private readonly waiting = new Waiters();
  private readonly leases = new Leases();
  private readonly home = new HomeJobs();
  private readonly places = new Places();
  private readonly planner: Planner<LongJob>;
  private readonly asking: Asking;
  private readonly turns: Turns;
  private readonly model = new WaitModel();
  private patience: number;
  private readonly neighbours = new Neighbours();
  private effects: Effect[] = [];

  /**
   * @param patienceMs - longest wait, as configured
   * @param works - what jobs need, and how fast hosts are
   * @param random - spreads jobs over hosts that are equally fast
   */
  constructor(
    private readonly patienceMs: number,
    private readonly works = new WorkMemory(),
    random: () => number = () => 0,
  ) {
    this.patience = patienceMs;
    this.planner = new Planner(works, this.places, this.leases, this.home);
    this.asking = new Asking(works, this.places, this.leases, this.planner, random);
    this.turns = new Turns(works, this.leases, this.home, this.asking);
  }

  get length(): number {
    return this.waiting.size;
  }
  get leaseCount(): number {
    return this.leases.size;
  }

  /** When the next unused lease is to be given back, by `tick`; Infinity when there is none. */
  get giveBackAt(): number {
    return this.leases.giveBackAt(this.plans);
  }

  /** Long jobs wait or run. */
  private get plans(): boolean {
    return this.waiting.long.length > 0 || this.leases.busy().some(({ planned }) => planned);
  }

  /** Jobs are planned, or are likely to be: newcomers must not take this host's slots before that. */
  get plansHere(): boolean {
    return this.waiting.long.some(({ away }) => !away) || (this.works.meanMs ?? 0) >= planMinMs;
  }

  /** Newcomers should ask even if a slot is free here: jobs are planned, or slots elsewhere are at hand. */
  get first(): boolean {
    const { meanMs } = this.works;
    return this.plansHere || (meanMs !== null && meanMs >= FIRST_MIN_MS && this.leases.busy().length > 0);
  }

  add(job: Waiting, now: number): void {
    if (this.waiting.size === 0) {
      this.neighbours.stir(now);
      this.model.began(now);
      this.planner.began(now);
    }
    const need = job.need ?? null;
    const since = job.since ?? now;
    const ahead = job.ahead === true && job.piped !== "yes";
    this.waiting.add({ ...job, ahead, ...known(need), since, lookAt: since + PIPED_MS });
    this.changed(now);
  }

  /** A job that waits is piped to another program. */
  piped(id: number, now: number): void {
    const job = this.waiting.get(id);
    if (!job) return;
    this.waiting.add({ ...job, piped: "yes", ahead: false, lookAt: now });
    this.changed(now);
  }

  /** What a job that waits will need is known by now. */
  learned(id: number, need: Need, now: number): void {
    const job = this.waiting.get(id);
    if (!job) return;
    this.waiting.add({ ...job, ...known(need) });
    this.changed(now);
  }

  /** The job is not wanted any more. */
  remove(id: number): void {
    this.waiting.remove(id);
    this.turns.placed(id);
    this.planner.changed = true;
  }

  granted(id: number, leases: readonly Lease[], now: number): void {
    const kind = this.asking.requests.granted(id)?.kind ?? anyKind;
    for (const lease of leases) {
      this.leases.add(lease, kind, now);
      this.places.granted(lease.host, this.leases.on(lease.host).length, now);
    }
    this.changed(now);
  }

  denial(id: number, retryMs: number, why: string, now: number): void {
    const until = now + retryMs;
    const asked = this.asking.requests.denied(id, { until, why });
    if (asked && asked.host !== "") this.places.denied(asked.host, asked.kind.startsWith("disk"), until);
    this.changed(now);
  }

  /** Leases ended by the leader; jobs that run under them are not touched. */
  lost(ids: readonly string[], now: number): void {
    for (const id of ids) this.leases.remove(id);
    this.changed(now);
  }

  /** pantsd cannot be reached: every lease is void, nobody can be asked. */
  absent(now: number): void {
    this.leases.clear();
    this.asking.requests.clear();
    for (const job of this.waiting.all()) this.here(job, "no pantsd on this host", now);
    this.changed(now);
  }

  /** A job is done with its lease; `used`: it ran, so a slot has turned over. */
  freed(leaseId: string, used: boolean, now: number): void {
    const held = this.leases.get(leaseId);
    if (held !== undefined) {
      const { host } = held.lease;
      if (used) this.places.ran(host, held.takes, now);
      this.over(held, now);
    }
    if (used) {
      this.patience = this.patienceMs;
      this.neighbours.stir(now);
    }
    this.changed(now);
  }

  /** The host of a lease has a slot, and not the memory for the job that was to run there. @param leftMb - what it has, MiB */
  noMemory(leaseId: string, leftMb: number, now: number): void {
    const held = this.leases.get(leaseId);
    if (held) {
      const { host } = held.lease;
      this.over(held, now);
      this.places.refused(host, this.leases.taken(host).memoryMb + leftMb, now);
    }
    this.changed(now);
  }

  /** A job that was sent ahead does not wait there any more: it was refused, or it is over. */
  notAhead(leaseId: string, job: number, now: number): void {
    this.turns.leave(leaseId, job);
    this.changed(now);
  }

  /** A lease is worth nothing: its host is full or cannot be reached. */
  giveUp(leaseId: string, now: number): void {
    if (this.leases.remove(leaseId)) this.effects.push({ do: "release", leases: [leaseId] });
    this.changed(now);
  }

  /** This host was looked at: jobs that wait may take its free slots. */
  slotsHere(home: HomeSlots, now: number): void {
    this.looked(home, now);
    this.step(now);
  }

  /** The same, where `tick` follows, or whatever else goes through all that waits. */
  looked(home: HomeSlots, now: number): void {
    if (home.taken < this.home.slots.taken) {
      this.patience = this.patienceMs;
      this.neighbours.stir(now);
    }
    if (this.home.looked(home, now)) this.planner.changed = true;
    if (home.free === 0) return;
    this.begin(now);
    const long = this.waiting.long.length;
    while (this.home.slots.free > 0) {
      const able = this.waiting.short.filter((job) => this.turns.isSoonHere(job, long, now));
      const job = choose(able, "", this.outlook(now));
      if (!job) break;
      this.model.turned(now);
      this.here(job, "a slot is free here", now);
    }
  }

  /** A job that was told to run here has ended. */
  endedHere(job: number, now: number): void {
    this.home.ended(job, now);
    this.planner.changed = true;
  }

  /** Time passes. */
  tick(now: number): void {
    this.lookAtPipes(now);
    let expired = false;
    for (const job of this.waiting.all()) {
      const waitedMs = now - job.since;
      if (waitedMs < this.patience) continue;
      if (this.isPatient(job, now) && waitedMs < PATIENCES_MAX * this.patienceMs) continue;
      expired = true;
      this.here(job, `no slot anywhere in ${Math.round(waitedMs / 100) / 10} s`, now);
    }
    if (expired) this.patience = Math.max(this.patience / 2, PATIENCE_MIN_MS);
    this.asking.requests.tick(now);
    this.soonerHere(now);
    for (const { id } of this.turns.late(now)) this.effects.push({ do: "callBack", job: id });
    this.step(now);
    const unused = this.leases.takeUnused(this.plans, now);
    // There is a slot again, for whoever would be sent ahead otherwise.
    if (unused.length > 0) this.asking.requests.forgetKinds();
    this.release(unused);
  }

  /** Jobs in a pipeline run here rather than wait: that ends, since their neighbours go on then. */
  private lookAtPipes(now: number): void {
    const { look, here } = this.neighbours.due(this.waiting.all(), now);
    for (const { id } of look) this.effects.push({ do: "look", job: id });
    for (const { job, why } of here) this.here(job, why, now);
  }

  /** What is to be done now, once. */
  take(): Effect[] {
    const effects = this.effects;
    this.effects = [];
    return effects;
  }

  private changed(now: number): void {
    this.planner.changed = true;
    this.step(now);
  }

  private step(now: number): void {
    this.begin(now);
    for (const held of this.leases.idle()) {
      if (this.waiting.size > 0) this.give(held, now);
      const back = held.busy ? undefined : this.turns.backTo(held.lease.host, now);
      if (back) this.effects.push({ do: "callBack", job: back.id });
    }
    this.sendAhead(now);
    this.ask(now);
  }

  private ask(now: number): void {
    if (this.asking.requests.pending) return;
    const long = this.waiting.long;
    const short = [...this.waiting.short, ...this.turns.far(now)];
    if (short.length + long.length === 0) return;
    const request = this.asking.next(short, long, this.outlook(now), now);
    if (request) this.effects.push(request);
    else if (!this.turnsOver() && !(long.length > 0 && this.planner.settling(now))) this.allHere(now);
  }

  /** Jobs worth a plan begin where it has them begin now. */
  private begin(now: number): void {
    const { starts, here, release } = this.planner.steps(this.waiting.long, now);
    this.release(release);
    for (const { job, held } of starts) this.assign(job, held, now);
    for (const job of here)
      if (this.home.slots.room > 0 && this.home.fits(job.need, now)) {
        this.model.turned(now);
        this.here(job, "planned: sooner here than elsewhere", now, true);
      }
  }

  /** A job is done with a lease: whoever was sent ahead follows. */
  private over(held: Held, now: number): void {
    const { next } = held;
    if (!next) {
      this.leases.freed(held, now);
      return;
    }
    this.turns.follow(held, next, now);
    this.model.turned(now);
    this.effects.push({ do: "follow", job: next.id });
  }

  /** So that no host runs dry while its next job is on its way: short ones that no other host takes now wait there. */
  private sendAhead(now: number): void {
    if (!this.waiting.someMayWait) return;
    const long = this.waiting.long.length;
    for (const held of this.turns.soon(long, now)) {
      const able = this.waiting.short.filter((job) => this.turns.mayWaitFor(held, job, long, now));
      const job = choose(able, held.lease.host, this.outlook(now));
      if (!job) continue;
      held.next = job;
      this.planner.changed = true;
      this.waiting.remove(job.id);
      this.effects.push({ do: "assign", job: job.id, lease: held.lease, ahead: true });
    }
  }

  private give(held: Held, now: number): void {
    const able = this.waiting.short.filter((job) => this.asking.suits(held, job, now));
    const meant = able.filter(({ kind }) => kind === held.kind);
    const job = choose(meant.length > 0 ? meant : able, held.lease.host, this.outlook(now));
    if (job) this.assign(job, held, now);
  }

  private assign({ id, need }: Job, held: Held, now: number): void {
    const { lease } = held;
    this.neighbours.stir(now);
    this.leases.begun(
      held,
      need,
      need && now + durationMs(need, this.works.speeds.speed(lease.host)),
      isLong(need),
    );
    this.model.turned(now);
    this.waiting.remove(id);
    this.turns.placed(id);
    this.effects.push({ do: "assign", job: id, lease, ahead: false });
  }

  private outlook(now: number): Outlook {
    const running = this.leases.busy().map(({ lease, endsAt }) => ({ host: lease.host, endsAt }));
    // As long as it takes to come to everybody's turn, several times.
    const turns = Math.max(1, this.waiting.size / Math.max(1, running.length));
    const overdueMs = Math.max(OVERDUE_MIN_MS, OVERDUE * turns * (this.works.meanMs ?? 0));
    return { now, overdueMs, speeds: this.works.speeds, running };
  }

  /** It would drown this host, or end later here: then it waits for long, but not for ever. */
  private isPatient(job: Job, now: number): boolean {
    if (this.home.slots.room <= 0 || !this.home.fits(job.need, now)) return true;
    if (isLong(job.need)) return this.leases.busy().length > 0;
    return !choose([job], "", this.outlook(now));
  }

  /** Jobs that no other host takes now, and that end sooner here than after a wait. */
  private soonerHere(now: number): void {
    let place = 0;
    for (const job of this.waiting.short) {
      if (this.home.slots.room <= 0) return;
      place += 1;
      const { meanMs } = this.works;
      const need =
        job.need ?? (meanMs === null ? null : { cpuMs: meanMs, waitMs: 0, ownMs: 0, ioKb: 0, memoryMb: 0 });
      const waitMs = this.model.waitMs(place, now);
      if (job.away || !need || waitMs === null || !this.asking.requests.standing(job.kind, now)) continue;
      // Whoever runs beside the slots finds no idle disk, and no memory that nobody else has.
      if (job.kind !== anyKind) continue;
      const elsewhereMs = Math.min(waitMs + durationMs(need, 1), this.turns.ms(place, job, need, now));
      if (this.home.pace.factor(now) * hereMs(need, this.home.slots) >= elsewhereMs) continue;
      place -= 1;
      this.here(job, "sooner here than in a slot elsewhere", now);
    }
  }

  /** Waiting pays only if something of ours or of this host will end. */
  private turnsOver(): boolean {
    return this.home.slots.taken > 0 || this.leases.busy().length > 0;
  }

  /** Nobody takes them, and nothing will end: as many as this host is meant to run at a time. */
  private allHere(now: number): void {
    for (const job of this.waiting.all()) {
      if (this.home.slots.room <= 0) return;
      const denied = this.asking.requests.standing(isLong(job.need) ? anySlot : job.kind, now);
      this.here(job, denied?.why ?? "no suitable host is free", now);
    }
  }

  private release(held: readonly Held[]): void {
    if (held.length === 0) return;
    for (const { lease } of held) this.leases.remove(lease.id);
    this.effects.push({ do: "release", leases: held.map(({ lease }) => lease.id) });
  }

  private here({ id, need }: Job, why: string, now: number, planned = false): void {
    const slot = this.home.slots.free > 0;
    const ms = need ? durationMs(need, this.works.speeds.speed("")) : (this.works.meanMs ?? 0);
    this.home.begun(id, need, ms, now);
    this.waiting.remove(id);
    this.turns.placed(id);
    this.effects.push({ do: "here", job: id, why, slot: slot || planned });
  }
}

const known = (need: Need | null) => ({ need, kind: classOf(need), takes: takes(need) });
