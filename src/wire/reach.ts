/**
 * Whether multicast reaches this host, judged by what seeds pass on: a host whose datagrams come through a seed but
 * not through their group is out of multicast's reach. Pure.
 */

/** A group's datagram is expected within this time of its copy through a seed, either way. */
const togetherMs = 1000;
/** Copies through seeds, a second or more apart, without one through the group between them: one may be lost. */
const missesMax = 2;
/** Longer than the slowest refresh: an origin that is still there has been heard again by then. */
const forgetMs = 30_000;
/** Multicast that was heard so lately works. */
const recentMs = 10_000;
const originsMax = 4096;

interface Heard {
  /** Through a group. */
  groupAt: number;
  misses: number;
  missAt: number;
}

export class Reach {
  /** `unknown` until multicast was heard, or missed, for the first time. */
  verdict: "unknown" | "yes" | "no" = "unknown";
  /** By machine, least recently heard first. */
  readonly #origins = new Map<string, Heard>();
  #groupAt = Number.NEGATIVE_INFINITY;

  /** An origin's datagram came through its group, as the first copy or not. */
  viaGroup(origin: string, now: number): void {
    const heard = this.#heard(origin);
    heard.groupAt = now;
    heard.misses = 0;
    this.#groupAt = now;
    if (this.verdict === "unknown") this.verdict = "yes";
  }

  /** An origin's datagram came through a seed, as the first copy or not. */
  viaSeed(origin: string, now: number): void {
    const heard = this.#heard(origin);
    if (now - heard.groupAt <= togetherMs || now - heard.missAt < togetherMs) return;
    heard.misses += 1;
    heard.missAt = now;
    if (heard.misses >= missesMax) this.verdict = "no";
  }

  /** To be called every few seconds: multicast that is back is believed when no origin is missed any more. */
  review(now: number): void {
    if (this.verdict !== "no" || now - this.#groupAt > recentMs) return;
    const missed = (heard: Heard) => heard.misses >= missesMax && now - heard.missAt <= forgetMs;
    if (![...this.#origins.values()].some(missed)) this.verdict = "yes";
  }

  #heard(origin: string): Heard {
    const never = Number.NEGATIVE_INFINITY;
    const heard = this.#origins.get(origin) ?? { groupAt: never, misses: 0, missAt: never };
    this.#origins.delete(origin);
    this.#origins.set(origin, heard);
    const oldest = this.#origins.size > originsMax ? this.#origins.keys().next().value : undefined;
    if (oldest !== undefined) this.#origins.delete(oldest);
    return heard;
  }
}
