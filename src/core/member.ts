/** A free host's reports to the leader: absolute, prompt on what matters, slow otherwise. */
import type { LocalLoad, Random, Send } from "./events.js";
import type { Tuning } from "./tuning.js";

const leaderGroup = { group: "leader" } as const;

export class Member {
  #load: LocalLoad | null = null;
  #sent: LocalLoad | null = null;
  #sentAt = Number.NEGATIVE_INFINITY;
  #reportAt = Number.POSITIVE_INFINITY;
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
    this.#load = null;
    this.#sent = null;
    this.#reportAt = Number.POSITIVE_INFINITY;
  }

  /** Another leader: it knows nothing of this host yet. */
  onNewLeader(spreadMs: number, now: number): void {
    this.#reportBy(now + this.random() * spreadMs);
  }

  onRefresh(refreshMs: number): void {
    this.#refreshMs = refreshMs;
  }

  tick(now: number): void {
    if (now < this.#reportAt || !this.#load) return;
    const { free, total, guests, cpuPercent } = this.#load;
    const { compat } = this;
    this.send(leaderGroup, {
      type: "available",
      epoch: this.epoch(),
      free,
      total,
      guests,
      cpuPercent,
      compat,
    });
    this.#sent = this.#load;
    this.#sentAt = now;
    this.#reportAt = now + this.#refreshMs * (0.9 + 0.2 * this.random());
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
  return sent.guests !== now.guests || Math.abs(sent.cpuPercent - now.cpuPercent) >= 10;
}
