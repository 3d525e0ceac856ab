/**
 * The paper's micro benchmarks (section 3.2): a parent on one host starts four children that each load one resource,
 * one after another at fixed intervals, while those before still run.
 */
import type { IndexName } from "../../../src/core/indices.js";
import { mean } from "../figures/stats.js";
import { bringUpSite, type Site } from "./cluster.js";
import type { PolicyName } from "./machine.js";
import type { HostModel, Work } from "./model.js";

export type Micro = "cpu" | "io" | "memory";

/** As the paper's nodes: one CPU, a disk of 20 MiB/s, and less memory than one child of the memory test wants. */
export const alpha: HostModel = { cpus: 1, speed: 1, memoryMb: 64, systemMb: 20, diskMbps: 20 };
/** A host of today, small: four CPUs, one disk, and memory for one of the children below but not for two. */
export const today: HostModel = { cpus: 4, speed: 1, memoryMb: 1024, systemMb: 128, diskMbps: 150 };

const child = { program: "child", shape: "", memoryMb: 1, passes: 0, faults: 0 };

/** Each takes about two minutes on an idle host. */
export const children: Readonly<Record<Micro, Work>> = {
  /** Floating point only. */
  cpu: { ...child, cpuMs: 120_000, ioMb: 0 },
  /** Copies a tree of 384 MB, three times. */
  io: { ...child, cpuMs: 7000, ioMb: 3 * 2 * 384 },
  /** Ten times: maps 100 MB into as much, and goes through all of it twice. */
  memory: {
    ...child,
    cpuMs: 8000,
    ioMb: 0,
    memoryMb: 100,
    passes: 20 / 8,
    faults: 10 * 25.6 * 2 * (100 / 800),
  },
};

/** The same on hosts of today: as much more as those have. */
export const childrenToday: Readonly<Record<Micro, Work>> = {
  cpu: children.cpu,
  io: { ...children.io, ioMb: 3 * 2 * 384 * (150 / 20) },
  memory: { ...children.memory, cpuMs: 120_000, memoryMb: 600, passes: 1, faults: 150 },
};

/** The paper's five minutes, a tenth. */
export const spacingMs = 30_000;

export interface MicroOptions {
  readonly micro: Micro;
  readonly policy: PolicyName;
  readonly seed: number;
  readonly host?: HostModel;
  readonly work?: Work;
  /** Of each host. Four: the paper has no slots, and with as many as children they decide nothing. */
  readonly slots?: number;
}

export interface MicroRun {
  /** From the first child's start to the last one's end, ms; and how long a child took on average. */
  readonly makespanMs: number;
  readonly responseMs: number;
  /** Children that ran on another host than the parent's. */
  readonly far: number;
  /** Of the loaded index over the hosts, while all four children ran: standard deviation, and the mean. */
  readonly deviation: number;
  readonly average: number;
}

const hosts = 4;

export function micro({
  micro,
  policy,
  seed,
  host = alpha,
  work = children[micro],
  slots = 4,
}: MicroOptions): MicroRun {
  const models = Array.from({ length: hosts }, () => host);
  const site = bringUpSite({ seed, hosts: models, policy, slots, restMs: 60_000 });
  const { world, callers, tally } = site;
  const startedAt = world.now;
  for (let index = 0; index < hosts; index++) world.at(index * spacingMs, () => callers[0]?.run(work));
  const allAt = startedAt + (hosts - 1) * spacingMs;
  const ended = (count: number) => () => tally.responses.length >= count;
  world.runUntil(ended(1), 3_600_000, 100);
  const firstEndAt = world.now;
  world.runUntil(ended(hosts), 7_200_000, 100);
  const makespanMs = world.now - startedAt;
  if (tally.responses.length < hosts) throw new Error(`${micro} under ${policy}, seed ${seed}: no end`);
  if (firstEndAt < allAt + 2000)
    throw new Error(`${micro} under ${policy}, seed ${seed}: never four at once`);
  const { deviation, average } = spread(site, micro, allAt + 2000, firstEndAt);
  return { makespanMs, responseMs: mean(tally.responses), far: tally.far, deviation, average };
}

/** Over the hosts, second by second; then the mean of these. As `pants stats` does it. */
function spread({ machines }: Site, index: IndexName, from: number, to: number) {
  const series = machines.map(({ intervals }) =>
    intervals.filter(({ at }) => at >= from && at < to).map(({ sample }) => sample[index] ?? 0),
  );
  const length = Math.min(...series.map((values) => values.length));
  const deviations: number[] = [];
  const averages: number[] = [];
  for (let second = 0; second < length; second++) {
    const values = series.map((one) => one[second] ?? 0);
    const average = mean(values);
    averages.push(average);
    deviations.push(Math.sqrt(mean(values.map((value) => (value - average) ** 2))));
  }
  return { deviation: mean(deviations), average: mean(averages) };
}
