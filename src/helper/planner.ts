/**
 * Jobs that take long are planned: which of them begins now in which lease, which here, and which would on a host of which no
 * lease is held. Pure. The rules are in docs/load.md, "Where work goes".
 */
import type { WorkMemory } from "../core/kinds/memory.js";
import { durationMs, type Need } from "../core/kinds/need.js";
import type { HomeJobs } from "./home-jobs.js";
import type { Held, Leases } from "./leases.js";
import type { Places } from "./places.js";
import { Plan } from "./plan.js";
import type { Place, Planned } from "./timeline.js";

/** Shorter jobs are not worth a plan, ms: they would be done before better places are asked for. */
export const planMinMs = 2000;
/** A plan waits for so long after the first job has come, ms: others come with it. */
const settleMs = 20;
/** A plan is made anew after so long when nothing has changed, ms. */
const againMs = 250;

export const isLong = (need: Need | null): need is Need => need !== null && durationMs(need, 1) >= planMinMs;

/** What is to be done now. */
export interface Steps<P extends Planned> {
  readonly starts: readonly { readonly job: P; readonly held: Held }[];
  readonly here: readonly P[];
  /** In the way of a wish: its host is asked again, for more than a slot. */
  readonly release: readonly Held[];
}

const none = { starts: [], here: [], release: [] };

export class Planner<P extends Planned> {
  /** Jobs that would begin now on a host of which no lease is held that suits them, by host. */
  readonly wishes = new Map<string, P>();
  /** Hosts with a slot that no job is to have now. */
  spared: readonly string[] = [];
  /** Something has changed since the last plan. */
  changed = true;
  readonly #plan = new Plan<P>();
  #madeAt = Number.NEGATIVE_INFINITY;
  #beganAt = Number.NEGATIVE_INFINITY;

  /** The first of some jobs has come: more may follow at once. */
  began(now: number): void {
    this.#beganAt = now;
  }

  settling(now: number): boolean {
    return now < this.#beganAt + settleMs;
  }

  constructor(
    private readonly works: WorkMemory,
    private readonly places: Places,
    private readonly leases: Leases,
    private readonly home: HomeJobs,
  ) {}

  /** @param jobs - that wait, as they came */
  steps(jobs: readonly P[], now: number): Steps<P> {
    if (this.settling(now)) return none;
    if (jobs.length > 0 && !this.changed && now < this.#madeAt + againMs) return none;
    this.wishes.clear();
    this.spared = [];
    this.changed = false;
    if (jobs.length === 0) return none;
    this.#madeAt = now;
    const places = this.#places(now);
    if (!places.some(hasRoom)) return none;
    const starts: { job: P; held: Held }[] = [];
    const here: P[] = [];
    const release: Held[] = [];
    const spared: string[] = [];
    for (const [host, first] of this.#plan.make(jobs, places, now)) {
      const place = places.find((one) => one.host === host);
      if (host === "") here.push(...first);
      else this.#begin(host, first, { starts, release }, now);
      if (host !== "" && place && place.running.length + first.length < place.slots) spared.push(host);
    }
    this.spared = spared;
    return { starts, here, release };
  }

  #begin(
    host: string,
    first: readonly P[],
    { starts, release }: { starts: { job: P; held: Held }[]; release: Held[] },
    now: number,
  ): void {
    const idle = this.leases.on(host).filter(({ busy }) => !busy);
    for (const job of first) {
      const at = idle.findIndex((held) => this.#suits(held, job, now));
      const [held] = at < 0 ? [] : idle.splice(at, 1);
      if (held) starts.push({ job, held });
      else {
        release.push(...idle.splice(0, 1));
        this.wishes.set(host, job);
      }
    }
  }

  /** The leader knows whose disk is idle; the host itself looks whether it has the memory. */
  #suits({ lease: { host }, kind }: Held, { takes }: P, now: number): boolean {
    return !takes.io || kind.startsWith("disk") || this.places.hadDisk(host, now);
  }

  /** When a lease's job has ended, and the one that was sent ahead to follow it. */
  #freeAt({ endsAt, next, lease }: Held, usualMs: number, now: number): number {
    const at = endsAt ?? now + usualMs;
    if (!next) return at;
    return (
      Math.max(at, now) + (next.need ? durationMs(next.need, this.works.speeds.speed(lease.host)) : usualMs)
    );
  }

  #places(now: number): Place[] {
    const { speeds, meanMs } = this.works;
    const usualMs = meanMs ?? 0;
    const hosts = new Set<string>();
    for (const { lease } of this.leases.all()) hosts.add(lease.host);
    for (const host of this.places.hosts) hosts.add(host);
    const others = [...hosts].map((host): Place => {
      const held = this.leases.on(host);
      const running = held
        .filter(({ busy }) => busy)
        .map((one) => ({ ...one.takes, endsAt: this.#freeAt(one, usualMs, now) }));
      return {
        host,
        speed: speeds.speed(host),
        slots: this.places.slots(host, held.length, now),
        besides: false,
        memoryMb: this.places.memoryMb(host, now),
        disk: this.places.disk(host, now),
        running,
      };
    });
    return [this.home.place(speeds.speed(""), usualMs, now), ...others.filter(({ slots }) => slots > 0)];
  }
}

const hasRoom = ({ slots, besides, running }: Place): boolean =>
  running.length < slots || (besides && running.every(({ io }) => !io));
