/** How many programs may run here at a time without sharing a CPU. */
import { availableParallelism } from "node:os";
import { type CpuQuota, cpuQuota } from "./cgroup.js";

/** CPUs that programs may use here, whole ones, at least 1: a quota is rounded up. */
export function usableCpus(quota: CpuQuota | null = cpuQuota()): number {
  return Math.max(1, Math.min(availableParallelism(), Math.ceil(quota?.cpus ?? Number.POSITIVE_INFINITY)));
}
