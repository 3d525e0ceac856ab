/** What clients ask of their pantsd, and whether it is answered in time by that host's own clock. */
import type { Answer, SimHost } from "../host.js";
import type { World } from "../world.js";
import { Violation } from "./violation.js";

/** What waiting for a leader that does not answer may cost, ms; a tick may come this much late. */
const limitMs = 60;
const slackMs = 1;

interface Asked {
  readonly host: SimHost;
  readonly starts: number;
  readonly client: number;
  readonly id: number;
  /** By the host's monotonic clock. */
  readonly at: number;
}

export class Requests {
  counts = { granted: 0, denied: 0, silent: 0 };
  /** The longest that one took, ms. */
  longestMs = 0;
  readonly #open = new Map<string, Asked>();

  constructor(private readonly world: World) {}

  asked(host: SimHost, client: number, id: number): void {
    const { starts } = host;
    this.#open.set(key(host, client, id), { host, starts, client, id, at: host.monotonic(this.world.now) });
  }

  /** A client is gone: nobody waits for its answers. */
  gone(host: SimHost, client: number): void {
    for (const [name, asked] of this.#open)
      if (asked.host === host && asked.client === client) this.#open.delete(name);
  }

  answered(host: SimHost, answer: Extract<Answer, { kind: "grant" | "deny" }>): void {
    const name = key(host, answer.client, answer.id);
    const asked = this.#open.get(name);
    if (!asked) return;
    this.#open.delete(name);
    const tookMs = this.#ageMs(asked);
    this.longestMs = Math.max(this.longestMs, tookMs);
    const silent = answer.kind === "deny" && answer.why === "no leader answers";
    if (answer.kind === "grant") this.counts.granted += 1;
    else if (silent) this.counts.silent += 1;
    else this.counts.denied += 1;
    if (tookMs > limitMs + slackMs)
      throw new Violation("a request costs little without a leader", `${name}: ${tookMs.toFixed(1)} ms`);
  }

  sweep(): void {
    for (const [name, asked] of this.#open) {
      const { host, starts } = asked;
      if (!host.alive || host.starts !== starts) this.#open.delete(name);
      else if (!host.paused && this.#ageMs(asked) > limitMs + slackMs)
        throw new Violation("every request is resolved", `${name}: nothing in ${this.#ageMs(asked)} ms`);
    }
  }

  /** By the host's own clock, without the time that it was paused. */
  #ageMs({ host, at }: Asked): number {
    return host.monotonic(this.world.now) - Math.max(at, host.resumedAt);
  }
}

const key = (host: SimHost, client: number, id: number) => `${host.address} client ${client} request ${id}`;
