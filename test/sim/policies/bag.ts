/** Mixed work for hosts that differ: jobs of a few kinds, by the seed, no two alike. */
import { randomFrom } from "../random.js";
import type { HostModel, Work } from "./model.js";

const small: HostModel = { cpus: 2, speed: 1, memoryMb: 1024, systemMb: 128, diskMbps: 150 };

/** Two old hosts (the first is home), one twice and one four times as fast; memory and disks are alike. */
export const mixedHosts: readonly HostModel[] = [1, 1, 2, 4].map((speed) => ({ ...small, speed }));

const plain = { passes: 0, faults: 20 };

/** Of each kind a third of the jobs, half of them of either shape. */
export const kinds: readonly Work[] = [
  { ...plain, program: "render", shape: "draft", cpuMs: 20_000, ioMb: 20, memoryMb: 100 },
  { ...plain, program: "render", shape: "final", cpuMs: 60_000, ioMb: 40, memoryMb: 150 },
  { ...plain, program: "pack", shape: "part", cpuMs: 2000, ioMb: 1000, memoryMb: 50 },
  { ...plain, program: "pack", shape: "all", cpuMs: 5000, ioMb: 3000, memoryMb: 50 },
  { ...plain, program: "link", shape: "tool", cpuMs: 10_000, ioMb: 200, memoryMb: 300, passes: 1 },
  { ...plain, program: "link", shape: "main", cpuMs: 25_000, ioMb: 400, memoryMb: 600, passes: 1 },
];

/** Each of a kind needs up to so much more or less than the others, of everything. */
const variation = 0.15;

export function bag(seed: number, jobs: number): Work[] {
  const random = randomFrom(seed);
  const drawn = Array.from({ length: jobs }, (_, index) => {
    const kind = kinds[index % kinds.length] as Work;
    const vary = (): number => 1 + variation * (2 * random() - 1);
    const [cpu, io, memory] = [vary(), vary(), vary()];
    return { ...kind, cpuMs: kind.cpuMs * cpu, ioMb: kind.ioMb * io, memoryMb: kind.memoryMb * memory };
  });
  return shuffled(drawn, random);
}

export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [result[last], result[other]] = [result[other] as T, result[last] as T];
  }
  return result;
}
