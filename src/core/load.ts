/**
 * When is a host busy? Load that will still be there when a job is taken away (paper, section 2.1 and Table 2: CPU
 * at 95 %). The share of CPU that slot holders no longer use is credited at once, so a host is free again the moment
 * its job ends, and not at the next sample.
 */

export interface CpuLoad {
  /** CPU used over the last sampling interval, percent of the CPUs this host may use. */
  readonly cpuPercent: number;
  /** Slots taken on average over that same interval. */
  readonly takenAverage: number;
  /** Slots taken now, and in force. */
  readonly taken: number;
  readonly total: number;
}

export interface Verdict {
  readonly busy: boolean;
  /** What the CPU use will be with the slots as they are taken now, percent, 0 to 100. */
  readonly predictedPercent: number;
}

/**
 * Judges CPU load against a threshold in percent; 100 means never busy by CPU. A host whose slots are all taken is full, not busy, as long as the
 * load beside those jobs is fine: it stays in the free group, and the slot that falls free is usable at once.
 */
export function judge(load: CpuLoad, thresholdPercent: number): Verdict {
  const share = 100 / Math.max(1, load.total);
  const clamp = (percent: number) => Math.min(100, Math.max(0, percent));
  const predictedPercent = clamp(load.cpuPercent - (load.takenAverage - load.taken) * share);
  const besidePercent = clamp(load.cpuPercent - load.takenAverage * share);
  const full = load.total > 0 && load.taken >= load.total;
  const busy = thresholdPercent < 100 && (full ? besidePercent : predictedPercent) >= thresholdPercent;
  return { busy, predictedPercent };
}
