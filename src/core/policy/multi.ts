/** The paper's new policy: five indices, each against a threshold of its own that does not change (Table 2). */
import { type IndexName, indexNames, type Sample } from "../indices.js";
import { CpuPolicy } from "./cpu.js";
import { worst } from "./finding.js";
import type { Finding, Interval, Policy, Slots, Thresholds, Verdict } from "./policy.js";
import type { LoadSettings } from "./settings.js";

/** Table 2 of the paper, as measured there on 600 MHz Alphas. Its future work, the network, is judged when it is set. */
export const table2: Partial<Readonly<Record<IndexName, number>>> = {
  io: 1000,
  ctxt: 6000,
  memory: 4000,
  intr: 115_000,
};

export class MultiPolicy implements Policy {
  readonly name = "multi";
  readonly #cpu: CpuPolicy;
  readonly #static: Partial<Record<IndexName, number>>;
  #sample: Sample | null = null;

  constructor(settings: LoadSettings) {
    this.#cpu = new CpuPolicy(settings);
    this.#static = { ...table2, ...settings.thresholds };
  }

  sampled(interval: Interval): void {
    this.#cpu.sampled(interval);
    this.#sample = interval.sample;
  }

  verdict(slots: Slots): Verdict {
    const cpu = this.#cpu.verdict(slots);
    const over = worst([...(cpu.cause ? [cpu.cause] : []), ...this.#others()]);
    return { ...cpu, busy: over !== null, lends: over === null, cause: over };
  }

  thresholds(): Thresholds {
    const others = indexNames.map((name) => [name, this.#static[name] ?? null] as const);
    return { ...(Object.fromEntries(others) as Thresholds), cpu: this.#cpu.thresholds().cpu };
  }

  learned(): null {
    return null;
  }

  #others(): Finding[] {
    return indexNames.flatMap((what) => {
      if (what === "cpu") return [];
      const value = this.#sample?.[what] ?? null;
      const threshold = this.#static[what];
      return value === null || threshold === undefined ? [] : [{ what, value, threshold }];
    });
  }
}
