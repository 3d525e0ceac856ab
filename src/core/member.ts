/** A free host's reports to the leader: absolute, prompt on what matters, slow otherwise. */
import type { LocalLoad, Random, Send } from "./events.js";
import type { Tuning } from "./tuning.js";

const leaderGroup = { group: "leader" } as const;

export class Member {
  #load: LocalLoad | null = null;
  #sent: LocalLoad | null = null;
  #sentAt = Number.NEGATIVE_INFINITY;
  #reportAt = Number.POSITIVE_INFINITY;
  /** When this host first reported to the leader that it follows; null before. */
  #reportedSince: number | null = null;
  #refreshMs: number;

  constructor(
    private readonly compat: string,
    private readonly tuning: Tuning,
    private readonly random: Random,
    private readonly send: Send,
    /** Epoch of the leader that this host follows now, 0 for none. */
    private readonly epoch: () => number,
  ) {
    this.#refreshMs = tuning.refreshMs;
  }

  wakeAt(): number {
    return this.#reportAt;
  }

  /** This host is free, or still is, with this load. */
  update(load: LocalLoad, now: number): void {
    this.#load = load;
    if (!this.#sent) this.#reportBy(now);
    else if (matters(this.#sent, load)) this.#reportBy(Math.max(now, this.#sentAt + this.tuning.reportGapMs));
    else if (differs(this.#sent, load))
      this.#reportBy(Math.max(now, this.#sentAt + this.tuning.reportLazyMs));
  }

  /** This host takes no more work: says so once. */
  withdraw(): void {
    if (this.#sent) this.send(leaderGroup, { type: "unavailable" });
    this.forget();
  }

  /** This host takes part no longer, and nobody is to hear of it. */
  forget(): void {
    this.#load = null;
    this.#sent = null;
    this.#reportAt = Number.POSITIVE_INFINITY;
  }

  /** Another leader: it knows nothing of this host yet. */
  onNewLeader(spreadMs: number, now: number): void {
    this.#reportedSince = null;
    this.#reportBy(now + this.random() * spreadMs);
  }

  /** For how long the leader that is followed could know of this host, ms. */
  reportedMs(now: number): number {
    return this.#reportedSince === null ? 0 : now - this.#reportedSince;
  }

  /**
   * The leader says how often to report. When that is much oftener than before, hosts spread their next reports over the
   * period anew: they had come to report all at once, or there are fewer.
   */
  onRefresh(refreshMs: number, now: number): void {
    if (this.#load && refreshMs * 2 < this.#refreshMs)
      this.#reportBy(now + this.random() * Math.min(this.#refreshMs, 2.2 * refreshMs));
    this.#refreshMs = refreshMs;
  }

  tick(now: number): void {
    if (now < this.#reportAt || !this.#load) return;
    const { free, total, guests, cpuPercent, availableMb = 0, ioPercent = 0 } = this.#load;
    const { compat } = this;
    this.send(leaderGroup, {
      type: "available",
      epoch: this.epoch(),
      free,
      total,
      guests,
      cpuPercent,
      availableMb,
      ioPercent,
      compat,
    });
    this.#sent = this.#load;
    this.#sentAt = now;
    // Once to each leader anywhere in the period, so that those who reported at once do not go on together.
    const spread = this.#reportedSince === null ? 0.9 : 0.2;
    this.#reportAt = now + this.#refreshMs * (1.1 - spread * this.random());
    this.#reportedSince ??= now;
  }

  #reportBy(at: number): void {
    this.#reportAt = Math.min(this.#reportAt, at);
  }
}

/** Guest jobs come and go under leases the leader knows; what else takes slots is news to it. */
function matters(sent: LocalLoad, now: LocalLoad): boolean {
  return sent.free + sent.guests !== now.free + now.guests || sent.total !== now.total;
}

function differs(sent: LocalLoad, now: LocalLoad): boolean {
  const [wasMb, isMb] = [sent.availableMb ?? 0, now.availableMb ?? 0];
  return (
    sent.guests !== now.guests ||
    Math.abs(sent.cpuPercent - now.cpuPercent) >= 10 ||
    Math.abs((sent.ioPercent ?? 0) - (now.ioPercent ?? 0)) >= 20 ||
    Math.abs(wasMb - isMb) > 0.25 * wasMb
  );
}
