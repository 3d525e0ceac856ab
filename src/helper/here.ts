/** Which of the jobs that wait run on this host: its free slots are taken, and nobody waits for what will not come. Pure. */
import type { WorkMemory } from "../core/kinds/memory.js";
import { durationMs, type Need } from "../core/kinds/need.js";
import { nobodySuits } from "../core/messages.js";
import { type Asking, anySlot } from "./asking.js";
import type { HomeJobs } from "./home-jobs.js";
import type { Leases } from "./leases.js";
import type { Neighbours } from "./neighbours.js";
import { isLong } from "./planner.js";
import { choose, classOf, type Outlook } from "./queue-order.js";
import type { Denied } from "./requests.js";
import type { Turns } from "./turns.js";
import { hereMs, type WaitModel } from "./wait-model.js";
import type { Waiters } from "./waiters.js";
import type { Job } from "./waiting.js";

/** When nothing is known of any job, one is taken to take so long, ms, unless those of its program that run take longer. */
const unknownMs = 1000;
/** So long a job waits that needs more than a slot, which others may take from it here, or of which nothing is known yet, ms. */
const waitsMs = 2000;

/** A long job waits for so many times as long as it takes when nothing begins or ends. */
const stillTimes = 3;

const anyKind = classOf(null);

/** Takes it out of the queue, to run here. */
type Run = (job: Job, why: string, now: number) => void;

/** Of the queue. */
interface Parts {
  readonly waiting: Waiters;
  readonly home: HomeJobs;
  readonly leases: Leases;
  readonly neighbours: Neighbours;
  readonly asking: Asking;
  readonly turns: Turns;
  readonly model: WaitModel;
  readonly works: WorkMemory;
}

export class Here {
  constructor(
    private readonly parts: Parts,
    private readonly run: Run,
  ) {}

  /** In slots that are free. */
  takeFree(outlook: () => Outlook, now: number): void {
    const { waiting, home, model, turns } = this.parts;
    const long = waiting.long.length;
    while (home.slots.free > 0) {
      const able = waiting.short.filter((job) => turns.isSoonHere(job, long, now));
      const job = choose(able, "", outlook());
      if (!job) break;
      model.turned(now);
      this.run(job, "a slot is free here", now);
    }
  }

  /** No other host can run them, so there is none to wait for. */
  unsuited(now: number): void {
    const { waiting, home } = this.parts;
    for (const job of waiting.short) {
      if (home.slots.room <= 0) return;
      const denied = job.excluded.size > 0 ? this.standing(job.question, now) : undefined;
      if (denied?.nobody) this.run(job, denied.why, now);
    }
  }

  /** No other host takes them now, and they end sooner here than after a wait. */
  sooner(now: number): void {
    const { waiting, home, model, turns, works } = this.parts;
    let place = 0;
    for (const job of waiting.short) {
      place += 1;
      if (job.away || !this.standing(job.question, now)) continue;
      // Whoever runs beside the slots finds no idle disk, and no memory that nobody else has.
      const rare = job.kind !== anyKind;
      if (rare && !home.has(job.need, now)) continue;
      const unknown = job.need === null && works.meanMs === null;
      if ((rare || unknown) && now - job.since < waitsMs) continue;
      const need = job.need ?? this.guess(job, now);
      if (isLong(need)) continue;
      if (!this.isRoom(now)) return;
      const waitMs = model.waitMs(place, now);
      const elsewhereMs = Math.min(waitMs + durationMs(need, 1), turns.ms(place, job, need, now));
      if (home.pace.factor(now) * hereMs(need, home.slots) >= elsewhereMs) continue;
      place -= 1;
      this.run(job, "sooner here than in a slot elsewhere", now);
    }
  }

  /** A long one whose plan does not come true: what it waits for takes far longer than it does. */
  overdue(now: number): void {
    const { waiting, home, neighbours } = this.parts;
    const job = waiting.long.find(({ need }) => home.fits(need, now));
    if (job && neighbours.isStill(now, stillTimes * durationMs(job.need, 1)))
      this.run(job, "nothing has ended for longer than it takes", now);
  }

  /** For a short one: when nothing has begun or ended for long, those that have all places are long ones, which it need not wait for. */
  private isRoom(now: number): boolean {
    const { home, neighbours } = this.parts;
    if (home.slots.room <= 0 && neighbours.isStill(now)) home.grow();
    return home.slots.room > 0;
  }

  /** Nobody takes them, and nothing will end: as many as this host is meant to run at a time. */
  all(now: number): void {
    const { waiting, home } = this.parts;
    for (const job of waiting.all()) {
      if (home.slots.room <= 0) return;
      const denied = this.standing(isLong(job.need) ? anySlot : job.question, now);
      this.run(job, denied?.why ?? nobodySuits, now);
    }
  }

  private standing(question: string, now: number): Denied | undefined {
    return this.parts.asking.requests.standing(question, now);
  }

  /** What a job takes of which nothing is known: as much as others; of the first ones, as long as those of its program that run already. */
  private guess({ program = "" }: Job, now: number): Need {
    const { home, leases, works } = this.parts;
    const firstMs = () => Math.max(unknownMs, home.atLeastMs(program, now), leases.atLeastMs(program, now));
    return { cpuMs: works.meanMs ?? firstMs(), waitMs: 0, ownMs: 0, ioKb: 0, memoryMb: 0 };
  }
}
