/** What a user may set about load: the tables [load] and [owner] of the configuration. */
import type { IndexName } from "../indices.js";

export interface LoadSettings {
  readonly policy: "cpu" | "multi" | "adaptive";
  /** CPUs that this host may use; may be a fraction. */
  readonly cpus: number;
  /** Set by hand, in the index's unit: in force in place of shipped or learned ones. cpu 100 = never busy by CPU. */
  readonly thresholds: Partial<Readonly<Record<IndexName, number>>>;
  /** Percent of this host's CPUs that its own work may use before it stops lending; 0 = whatever its own work does. */
  readonly ownerCpu: number;
  /** Memory that must be left for a host to be free, MiB; null = as fits this host and its jobs (room.ts). */
  readonly roomMb: number | null;
}

/** Busy at or above this many percent of CPU (paper, Table 2). */
export const cpuThreshold = 95;

/** At 100, load on the CPUs never keeps jobs away. */
export const cpuJudged = (threshold: number): boolean => threshold < 100;
