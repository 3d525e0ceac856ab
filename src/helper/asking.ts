/**
 * What the leader is asked for, one request at a time: slots where the plan wants them, then for the other jobs by kind, and
 * apart for those of a kind that some hosts cannot run. Pure.
 */
import type { WorkMemory } from "../core/kinds/memory.js";
import {
  anyHost,
  durationMs,
  livesByDisk,
  memoryClass,
  type Need,
  takes,
  type Wanted,
} from "../core/kinds/need.js";
import type { Held, Leases } from "./leases.js";
import type { Places } from "./places.js";
import type { Planner } from "./planner.js";
import { choose, classOf, foremost, isSlow, type Outlook } from "./queue-order.js";
import { Requests } from "./requests.js";
import type { Effect, Job, LongJob } from "./waiting.js";

type Request = Extract<Effect, { do: "request" }>;

const requestMax = 64;
/** A fast host is worth asking for when a job ends sooner there by so much, ms; so many are named. */
const worthMs = 100;
const preferMax = 4;
/** A lease on a slow host serves such jobs for so long; then it is asked whether a fast one has a slot, ms. */
const askAgainMs = 1000;

const anyKind = classOf(null);
/** The question for jobs that are planned: any slot of a host that the plan does not spare. */
export const anySlot = "any slot";

export class Asking {
  readonly requests = new Requests();

  constructor(
    private readonly works: WorkMemory,
    private readonly places: Places,
    private readonly leases: Leases,
    private readonly planner: Planner<LongJob>,
    private readonly random: () => number,
  ) {}

  /** Undefined when there is nothing that was not just denied. */
  next(short: readonly Job[], long: readonly LongJob[], outlook: Outlook, now: number): Request | undefined {
    return this.#wish(now) ?? this.#anySlot(long, now) ?? this.#kind(short, outlook, now);
  }

  /** It said just now that it has no memory for such a job. */
  isFull(host: string, need: Need | null, now: number): boolean {
    const { memoryMb } = takes(need);
    return memoryMb > 0 && this.leases.taken(host).memoryMb + memoryMb > this.places.memoryMb(host, now);
  }

  /** Whether a job may take this lease, or had better ask for one of its own first. */
  suits({ lease, kind, grantedAt }: Held, job: Job, now: number): boolean {
    // The leader saw to it that this host has what those need that the lease was asked for; any has what others need.
    if (job.excluded.has(lease.host) || (job.kind !== kind && job.kind !== anyKind)) return false;
    if (this.isFull(lease.host, job.need, now)) return false;
    // When it was granted nobody faster was free; that may have changed.
    const known = now - grantedAt < askAgainMs || this.requests.standing(job.question, now) !== undefined;
    return known || !this.#worthSpeed(job.need, lease.host) || !isSlow(this.works.speeds, lease.host);
  }

  /** For a host where a job would begin now. */
  #wish(now: number): Request | undefined {
    for (const [host, job] of this.planner.wishes) {
      const { io, memoryMb } = job.takes;
      const question = `${io ? "disk" : "slot"} of ${host}`;
      if (this.requests.standing(question, now)) continue;
      const exclude = new Set([...job.excluded, ...this.places.hosts]);
      exclude.delete(host);
      const id = this.requests.ask({ question, kind: job.kind, host, open: false }, now);
      return { do: "request", id, count: 1, exclude: [...exclude], wanted: { io, memoryMb, prefer: [host] } };
    }
    return undefined;
  }

  #anySlot(jobs: readonly LongJob[], now: number): Request | undefined {
    if (jobs.length === 0 || this.requests.standing(anySlot, now)) return undefined;
    const wanted = { ...anyHost, prefer: this.#fast() };
    const exclude = [...commonExclusions(jobs), ...this.planner.spared];
    const id = this.requests.ask({ question: anySlot, kind: anyKind, host: "", open: false }, now);
    return { do: "request", id, count: Math.min(jobs.length, requestMax), exclude, wanted };
  }

  /** For all of one kind: that of who is overdue, else of the longest job. */
  #kind(jobs: readonly Job[], outlook: Outlook, now: number): Request | undefined {
    const denied = new Set<string>();
    for (const question of new Set(jobs.map((job) => job.question)))
      if (this.requests.standing(question, now)) denied.add(question);
    const next = foremost(
      denied.size === 0 ? jobs : jobs.filter((job) => !denied.has(job.question)),
      outlook,
    );
    if (!next) return undefined;
    const { question, kind, need, excluded } = next;
    const alike = jobs.filter((one) => one.question === question);
    const full = [...this.places.hosts].filter((host) => this.isFull(host, need, now));
    const left = [...this.#betterLeft(alike, outlook), ...full];
    const exclude = [...new Set([...excluded, ...left])];
    const open = left.every((host) => excluded.has(host));
    const id = this.requests.ask({ question, kind, host: "", open }, now);
    const count = Math.min(alike.length, requestMax);
    return { do: "request", id, count, exclude, wanted: this.#wanted(need) };
  }

  #wanted(need: Need | null): Wanted {
    if (!need) return anyHost;
    const prefer = this.#worthSpeed(need) ? this.#fast() : [];
    return { io: livesByDisk(need), memoryMb: memoryClass(need), prefer };
  }

  /** Whether it ends much sooner on the fastest host than on this one, or than on the slowest. */
  #worthSpeed(need: Need | null, host?: string): boolean {
    if (!need || livesByDisk(need)) return false;
    const { speeds } = this.works;
    const ranked = speeds.ranked();
    const [first, last] = [ranked[0], ranked[ranked.length - 1]];
    if (!first || !last) return false;
    const slow = (host === undefined ? undefined : speeds.known(host)) ?? last.speed;
    return durationMs(need, slow) - durationMs(need, first.speed) >= worthMs;
  }

  #fast(): string[] {
    return this.works.speeds.prefer(preferMax, this.random);
  }

  /** Hosts whose slot none of these jobs would take. */
  #betterLeft(jobs: readonly Job[], outlook: Outlook): string[] {
    if (jobs.length > outlook.running.length) return [];
    const known = this.works.speeds.ranked().filter(({ host }) => host !== "");
    return known.filter(({ host }) => choose(jobs, host, outlook) === undefined).map(({ host }) => host);
  }
}

/** Hosts that no waiting job can use. */
function commonExclusions([first, ...rest]: readonly Job[]): string[] {
  return [...(first?.excluded ?? [])].filter((host) => rest.every((job) => job.excluded.has(host)));
}
