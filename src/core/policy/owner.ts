/**
 * Owner first: a host whose own work needs its CPUs stops lending at the end of that interval, whatever the policy says.
 * That does not make it busy: its own programs may still run on it.
 */
import { calmBelow } from "./baseline.js";
import type { Interval, Policy, Slots, Thresholds, Verdict } from "./policy.js";
import { Residence } from "./residence.js";

export class OwnerFirst implements Policy {
  readonly name: Policy["name"];
  readonly #residence = new Residence();
  #ownPercent = 0;

  /** @param ownerCpu - percent of the CPUs that own work may use while others' jobs are let in */
  constructor(
    private readonly policy: Policy,
    private readonly ownerCpu: number,
  ) {
    this.name = policy.name;
  }

  sampled(interval: Interval): void {
    const { sample, guestsAverage, total, at } = interval;
    // Where nobody counts what guests use: as much as their slots' share.
    const guests = sample.guestsCpu ?? (100 * guestsAverage) / Math.max(1, total);
    this.#ownPercent = Math.max(0, (sample.cpu ?? 0) - guests);
    const calm = this.#ownPercent < calmBelow(this.ownerCpu, 0);
    this.#residence.step(this.#ownPercent >= this.ownerCpu, calm, at);
    this.policy.sampled(interval);
  }

  verdict(slots: Slots, now: number): Verdict {
    const verdict = this.policy.verdict(slots, now);
    if (!verdict.lends || !this.#residence.busy) return verdict;
    const cause = { what: "owner", value: this.#ownPercent, threshold: this.ownerCpu } as const;
    return { ...verdict, lends: false, cause };
  }

  thresholds(): Thresholds {
    return this.policy.thresholds();
  }

  learned(): unknown {
    return this.policy.learned();
  }
}
