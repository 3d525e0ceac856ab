/** What else the machine of a lab did meanwhile: hosts that have to wait for its CPUs are slower, and not all alike. */
import { readFileSync } from "node:fs";
import type { Lab } from "../../lab/lab.js";

/** Kernel's ticks a second, as programs see them. */
const TICKS_S = 100;
/** The key in a record's detail. */
export const OTHERS = "others_cpus";

/** CPU seconds from the first line of /proc/stat: all but idle and iowait; stolen time is somebody's too. */
export function busySeconds(stat: string): number {
  const [, ...ticks] = (stat.split("\n")[0] ?? "").split(/\s+/).map(Number);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = ticks;
  return (user + nice + system + irq + softirq + steal) / TICKS_S;
}

/** Call the answer at the end of a run: how many CPUs were busy, on average, with what runs on no host of the lab. */
export function watchOthers(lab: Pick<Lab, "hosts">): () => number {
  const now = (): readonly [number, number] => {
    const ours = lab.hosts.reduce((sum, host) => sum + host.cpuSeconds(), 0);
    return [performance.now() / 1000, busySeconds(readFileSync("/proc/stat", "utf8")) - ours];
  };
  const [began, before] = now();
  return () => {
    const [ended, after] = now();
    return Number(Math.max(0, (after - before) / (ended - began)).toFixed(2));
  };
}
