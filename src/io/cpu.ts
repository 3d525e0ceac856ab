/** CPU use of this host, or of the quota this process is under. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { type CpuQuota, cpuQuota } from "./cgroup.js";
import { monotonicMs } from "./clock.js";

interface Reading {
  readonly used: number;
  readonly possible: number;
}

/** CPUs that programs may use here, whole ones, at least 1: a quota is rounded up. */
export function usableCpus(quota: CpuQuota | null = cpuQuota()): number {
  return Math.max(1, Math.min(availableParallelism(), Math.ceil(quota?.cpus ?? Number.POSITIVE_INFINITY)));
}

/** Measures CPU use between one call of `percent` and the next. */
export class CpuMeter {
  readonly #quota = cpuQuota();
  #last: Reading;
  #percent = 0;

  constructor() {
    this.#last = this.#read();
  }

  /** Percent of the CPUs this host may use, 0 to 100, since the last call. */
  percent(): number {
    const now = this.#read();
    const possible = now.possible - this.#last.possible;
    if (possible > 0) this.#percent = (100 * (now.used - this.#last.used)) / possible;
    this.#last = now;
    this.#percent = Math.min(100, Math.max(0, this.#percent || 0));
    return this.#percent;
  }

  #read(): Reading {
    if (!this.#quota) return parseStat(readFileSync("/proc/stat", "latin1"));
    return { used: this.#quota.usedNs(), possible: monotonicMs() * 1e6 * this.#quota.cpus };
  }
}

/**
 * The first line of /proc/stat. Used: user (guests included), nice, system, irq, softirq, and steal, which is time
 * wanted and not had; waiting for I/O is idle (paper, section 2.1).
 */
export function parseStat(text: string): Reading {
  const fields = text.slice(0, text.indexOf("\n")).trim().split(/\s+/).slice(1).map(Number);
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = fields;
  const used = user + nice + system + irq + softirq + steal;
  return { used, possible: used + idle + iowait };
}
