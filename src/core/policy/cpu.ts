/**
 * When is a host busy by CPU? Load that will still be there when a job is taken away (paper, section 2.1 and Table 2: at
 * 95 %). The share of CPU that slot holders no longer use is credited at once, so a host is free again the moment its
 * job ends, and not at the next sample.
 */
import { indexNames } from "../indices.js";
import type { Interval, Policy, Slots, Thresholds, Verdict } from "./policy.js";
import { cpuJudged, cpuThreshold, type LoadSettings } from "./settings.js";

export interface CpuLoad {
  /** CPU used over the last sampling interval, percent of the CPUs this host may use. */
  readonly cpuPercent: number;
  /** Slots taken on average over that same interval. */
  readonly takenAverage: number;
  /** Slots taken now, and in force. */
  readonly taken: number;
  readonly total: number;
}

export interface CpuVerdict {
  readonly busy: boolean;
  /** What was held against the threshold, percent. */
  readonly value: number;
  /** What the CPU use will be with the slots as they are taken now, percent, 0 to 100. */
  readonly predictedPercent: number;
}

/**
 * Judges CPU load against a threshold in percent; 100 means never busy by CPU. A host whose slots are all taken is full,
 * not busy, as long as the load beside those jobs is fine: it stays in the free group, and the slot that falls free is
 * usable at once.
 */
export function judge(load: CpuLoad, thresholdPercent: number): CpuVerdict {
  const share = 100 / Math.max(1, load.total);
  const clamp = (percent: number) => Math.min(100, Math.max(0, percent));
  const predictedPercent = clamp(load.cpuPercent - (load.takenAverage - load.taken) * share);
  const besidePercent = clamp(load.cpuPercent - load.takenAverage * share);
  const full = load.total > 0 && load.taken >= load.total;
  const value = full ? besidePercent : predictedPercent;
  return { busy: cpuJudged(thresholdPercent) && value >= thresholdPercent, value, predictedPercent };
}

/** The paper's default policy: CPU alone. */
export class CpuPolicy implements Policy {
  readonly name = "cpu";
  readonly #threshold: number;
  #cpuPercent = 0;
  #takenAverage = 0;

  constructor({ thresholds }: LoadSettings) {
    this.#threshold = thresholds.cpu ?? cpuThreshold;
  }

  sampled({ sample, takenAverage }: Interval): void {
    this.#cpuPercent = sample.cpu ?? 0;
    this.#takenAverage = takenAverage;
  }

  /** The CPU's verdict alone, for policies that look at more. */
  judge({ taken, total }: Slots, threshold = this.#threshold): CpuVerdict {
    return judge({ cpuPercent: this.#cpuPercent, takenAverage: this.#takenAverage, taken, total }, threshold);
  }

  verdict(slots: Slots): Verdict {
    const { busy, value, predictedPercent } = this.judge(slots);
    const cause = busy ? ({ what: "cpu", value, threshold: this.#threshold } as const) : null;
    return { busy, lends: !busy, full: false, cause, predictedPercent };
  }

  thresholds(): Thresholds {
    const none = Object.fromEntries(indexNames.map((name) => [name, null])) as Thresholds;
    return { ...none, cpu: cpuJudged(this.#threshold) ? this.#threshold : null };
  }

  learned(): null {
    return null;
  }
}
