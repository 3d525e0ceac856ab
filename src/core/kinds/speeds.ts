/**
 * How fast hosts are, learned from jobs alone: a host on which like jobs take half the CPU time is twice as fast. Only ratios
 * mean something; the first one is put at 1. This host is the one without a
 * name.
 */

/** Hosts remembered; the one not used for longest goes. */
const hostsMax = 256;
/** Logarithm of speed; jobs seen. */
interface Known {
  readonly log: number;
  readonly jobs: number;
}

/** Jobs after which a speed counts. */
const enough = 3;
/** Weight of one more job, at least; the first ones weigh more. */
const weightMin = 0.15;
/** No job says that a host is faster or slower than by this factor (its logarithm): it was no job like the others. */
const surpriseMax = Math.log(4);
/** Hosts this much slower than the fastest count as fast too. */
const nearly = 0.9;
/** Speeds differ when the fastest is so much faster than the slowest. */
const differs = 1.15;

type Ranking = readonly { readonly host: string; readonly speed: number }[];

export class Speeds {
  readonly #hosts = new Map<string, Known>();
  /** Since the last job. */
  #ranked: Ranking | undefined;

  /** @param known - what `toJSON` gave, or anything else */
  constructor(known?: unknown) {
    if (typeof known !== "object" || known === null) return;
    for (const [host, value] of Object.entries(known).slice(0, hostsMax)) {
      const [log, jobs] = Array.isArray(value) ? (value as unknown[]) : [];
      if (Number.isFinite(log) && Number.isSafeInteger(jobs) && Math.abs(log as number) < 10)
        this.#hosts.set(host, { log: log as number, jobs: Math.max(0, jobs as number) });
    }
  }

  get size(): number {
    return this.#hosts.size;
  }

  /** One that is not known is as fast as the others are on average. */
  speed(host: string): number {
    return Math.exp(this.#hosts.get(host)?.log ?? this.#usual());
  }

  /** Undefined when too little is known of it. */
  known(host: string): number | undefined {
    const known = this.#hosts.get(host);
    return known && known.jobs >= enough ? Math.exp(known.log) : undefined;
  }

  /** A job that takes `expectedMs` of CPU time at speed 1 took `tookMs` on this host. */
  learn(host: string, expectedMs: number, tookMs: number): void {
    const { log, jobs } = this.#hosts.get(host) ?? { log: this.#usual(), jobs: 0 };
    const surprise = Math.log(expectedMs / tookMs) - log;
    const clipped = Math.min(surpriseMax, Math.max(-surpriseMax, surprise));
    this.#ranked = undefined;
    this.#hosts.delete(host);
    this.#hosts.set(host, { log: log + Math.max(weightMin, 1 / (jobs + 1)) * clipped, jobs: jobs + 1 });
    const oldest = this.#hosts.size > hostsMax ? this.#hosts.keys().next().value : undefined;
    if (oldest !== undefined) this.#hosts.delete(oldest);
  }

  /** Known hosts, fastest first; empty when they are all about as fast. */
  ranked(): Ranking {
    this.#ranked ??= this.#rank();
    return this.#ranked;
  }

  #rank(): Ranking {
    const all = [...this.#hosts]
      .filter(([, { jobs }]) => jobs >= enough)
      .map(([host, { log }]) => ({ host, speed: Math.exp(log) }))
      .sort((a, b) => b.speed - a.speed);
    const [first, last] = [all[0], all[all.length - 1]];
    return first && last && first.speed >= differs * last.speed ? all : [];
  }

  /** Up to `count` hosts to prefer: any of the fast ones, so that not everybody wants the same, then the next. */
  prefer(count: number, random: () => number): string[] {
    const chosen: string[] = [];
    let rest = this.ranked().filter(({ host }) => host !== "");
    // The slowest are nobody's preference.
    const slowest = rest[rest.length - 1]?.speed ?? 0;
    rest = rest.filter(({ speed }) => speed >= differs * slowest);
    while (rest.length > 0 && chosen.length < count) {
      const top = rest[0]?.speed ?? 0;
      const group = rest.filter(({ speed }) => speed >= nearly * top);
      const [one] = group.splice(Math.floor(random() * group.length), 1);
      if (!one) break;
      chosen.push(one.host);
      rest = rest.filter(({ host }) => host !== one.host);
    }
    return chosen;
  }

  #usual(): number {
    let sum = 0;
    for (const { log } of this.#hosts.values()) sum += log;
    return sum / Math.max(1, this.#hosts.size);
  }

  toJSON(): unknown {
    return Object.fromEntries([...this.#hosts].map(([host, { log, jobs }]) => [host, [log, jobs]]));
  }
}
