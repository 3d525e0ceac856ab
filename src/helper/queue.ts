/**
 * Who waits for a host, and who gets one. Pure: what happened goes in with the time, what to do comes out of `take`.
 * The rules are in ARCHITECTURE.md, "prexd: queue and leases".
 */
import { WorkMemory } from "../core/kinds/memory.js";
import { durationMs, type Need, takes } from "../core/kinds/need.js";
import type { Lease } from "../wire/control.js";
import { Asking } from "./asking.js";
import { Here } from "./here.js";
import { HomeJobs } from "./home-jobs.js";
import { type Held, Leases } from "./leases.js";
import { Neighbours, PIPED_MS } from "./neighbours.js";
import { Places } from "./places.js";
import { isLong, Planner, planMinMs } from "./planner.js";
import { choose, classOf, type Outlook } from "./queue-order.js";
import { questionOf } from "./requests.js";
import { Turns } from "./turns.js";
import { type HomeSlots, WaitModel } from "./wait-model.js";
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
  private readonly choice: Here;
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
    const run = (job: Job, why: string, now: number) => this.here(job, why, now);
    const { waiting, home, leases, neighbours, asking, turns, model } = this;
    this.choice = new Here({ waiting, home, leases, neighbours, asking, turns, model, works }, run);
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
    const waits = { ...job, ahead, ...known(need, job.excluded), since, lookAt: since + PIPED_MS };
    this.waiting.add(waits);
    this.changed(now);
    if (this.asking.requests.standing(waits.question, now)) this.takeIdle(now);
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
    this.waiting.add({ ...job, ...known(need, job.excluded) });
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
    const asked = this.asking.requests.denied(id, until, why);
    if (asked && asked.host !== "") this.places.denied(asked.host, asked.kind.startsWith("disk"), until);
    this.changed(now);
    this.takeIdle(now);
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
      this.stir(now);
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
      this.stir(now);
    }
    if (this.home.looked(home, now)) this.planner.changed = true;
    this.takeFree(now);
  }

  /** The same at once, when nobody else can help and those that have the slots only wait. */
  private takeIdle(now: number): void {
    if ((this.home.slots.sleeping ?? 0) > 0) this.takeFree(now);
  }

  /** Jobs that wait begin in slots that are free here. */
  private takeFree(now: number): void {
    if (this.home.slots.free === 0) return;
    this.begin(now);
    this.choice.takeFree(() => this.outlook(now), now);
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
    this.choice.sooner(now);
    this.choice.overdue(now);
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

  /** Something has begun or ended. */
  private stir(now: number): void {
    this.neighbours.stir(now);
    this.home.shrink();
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
    this.choice.unsuited(now);
    this.ask(now);
  }

  private ask(now: number): void {
    if (this.asking.requests.pending) return;
    const long = this.waiting.long;
    const short = [...this.waiting.short, ...this.turns.far(now)];
    if (short.length + long.length === 0) return;
    const request = this.asking.next(short, long, this.outlook(now), now);
    if (request) this.effects.push(request);
    else if (!this.turnsOver() && !(long.length > 0 && this.planner.settling(now))) this.choice.all(now);
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

  private assign(job: Job, held: Held, now: number): void {
    const { id, need } = job;
    const { lease } = held;
    this.stir(now);
    const endsAt = need && now + durationMs(need, this.works.speeds.speed(lease.host));
    this.leases.begun(held, job, endsAt, isLong(need), now);
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

  /** Waiting pays only if something of ours or of this host will end. */
  private turnsOver(): boolean {
    return this.home.slots.taken > 0 || this.leases.busy().length > 0;
  }

  private release(held: readonly Held[]): void {
    if (held.length === 0) return;
    for (const { lease } of held) this.leases.remove(lease.id);
    this.effects.push({ do: "release", leases: held.map(({ lease }) => lease.id) });
  }

  private here(job: Job, why: string, now: number, planned = false): void {
    const { id, need } = job;
    const slot = this.home.slots.free > 0;
    const ms = need ? durationMs(need, this.works.speeds.speed("")) : (this.works.meanMs ?? 0);
    this.home.begun(job, ms, now);
    this.waiting.remove(id);
    this.turns.placed(id);
    this.effects.push({ do: "here", job: id, why, slot: slot || planned });
  }
}

function known(need: Need | null, excluded: ReadonlySet<string>) {
  const kind = classOf(need);
  return { need, kind, question: questionOf(kind, excluded), takes: takes(need) };
}
