/** Turns on other hosts: who waits there for the end of a job of ours, and who is to come back. Pure. */
import type { WorkMemory } from "../core/kinds/memory.js";
import { durationMs, type Need } from "../core/kinds/need.js";
import { callBackFor, callBackLate, farAhead, noNext, turnMs, turnsSoon } from "./ahead.js";
import type { Asking } from "./asking.js";
import type { HomeJobs } from "./home-jobs.js";
import type { Held, Leases } from "./leases.js";
import { classOf } from "./queue-order.js";
import type { Job } from "./waiting.js";

/** A host on which jobs take so many times as long as they should has work of its own. */
const slowed = 1.3;

const anyKind = classOf(null);

export class Turns {
  /** Jobs that were called back for a slot and may not have got it: once is enough. */
  readonly #returned = new Set<number>();

  constructor(
    private readonly works: WorkMemory,
    private readonly leases: Leases,
    private readonly home: HomeJobs,
    private readonly asking: Asking,
  ) {}

  /**
   * Leases that a short job may be sent ahead under, the next turn in front.
   * @param long - so many jobs wait that are planned: the next turns are theirs, or they might wait for ever
   */
  soon(long: number, now: number): Held[] {
    return turnsSoon<Job, Held>(this.leases.all(), now).slice(long);
  }

  /** Whether a job may wait for that turn: no other host takes it now, nor this one. */
  mayWaitFor(held: Held, job: Job, long: number, now: number): boolean {
    if (!canWait(job) || !this.asking.requests.standing(job.question, now)) return false;
    if (this.home.slots.free > 0 && this.isSoonHere(job, long, now)) return false;
    return this.asking.suits(held, job, now);
  }

  /**
   * Whether a free slot of this host is as good for it as the next turn elsewhere. Where work of its own slows jobs down, what
   * they take is taken from that work, on which the jobs to come depend: then it is only for those who have no turn.
   */
  isSoonHere(job: Job, long: number, now: number): boolean {
    const { need } = job;
    if (job.away || !this.home.fits(need, now)) return false;
    if (!need) return true;
    const factor = this.home.pace.factor(now);
    if (factor > slowed && canWait(job))
      for (const held of this.soon(long, now)) if (this.asking.suits(held, job, now)) return false;
    return durationMs(need, this.works.speeds.speed("")) * factor <= this.ms(1, job, need, now);
  }

  /** Until a job has ended if it takes the n-th turn, ms; Infinity when nothing tells. */
  ms(n: number, job: Job, need: Need, now: number): number {
    return turnMs(n, job, need, this.leases.all(), this.works.speeds, now);
  }

  /** Those who were sent ahead, and are better off in a slot that is free. */
  far(now: number): Job[] {
    return farAhead(this.leases.all(), now);
  }

  /** It is the turn of whoever waits for the job of a lease. */
  follow(held: Held, next: Job, now: number): void {
    Object.assign(held, noNext);
    this.#returned.delete(next.id);
    const { need } = next;
    const endsAt = need && now + durationMs(need, this.works.speeds.speed(held.lease.host));
    this.leases.begun(held, next, endsAt, false, now);
  }

  /** A job does not wait there any more. */
  leave(leaseId: string, job: number): void {
    const held = this.leases.get(leaseId);
    if (held?.next?.id === job) Object.assign(held, noNext);
  }

  /** Who is to come back for a slot on a host that nobody else waits for. */
  backTo(host: string, now: number): Job | undefined {
    const job = callBackFor(host, this.leases.all(), this.#returned, now);
    if (job) this.#returned.add(job.id);
    return job;
  }

  /** Who is to come back, since a job before it goes on too long. */
  late(now: number): Job[] {
    if (this.leases.size === 0) this.#returned.clear();
    return callBackLate(this.leases.all(), now);
  }

  /** A job has its place. */
  placed(id: number): void {
    this.#returned.delete(id);
  }
}

/** May be sent ahead, whatever the host. */
export const canWait = ({ ahead, kind }: Job): boolean => ahead === true && kind === anyKind;
