/** A load that swings around a threshold on one host of a cluster: how often that host leaves the free group or joins it. */
import type { Sample } from "../../../src/core/indices.js";
import { bringUp } from "../figures/cluster.js";
import { Machine, type PolicyName } from "./machine.js";
import type { Beside } from "./meter.js";
import { today } from "./micro.js";

/** Over for a while, under for a while, and so on. */
export interface Swing {
  readonly over: Indices;
  readonly overMs: number;
  readonly under: Indices;
  readonly underMs: number;
}

type Indices = Partial<Record<keyof Sample, number>>;

export interface SwingOptions {
  readonly swing: Swing;
  readonly policy: PolicyName;
  readonly seed: number;
  readonly minutes: number;
}

export interface SwingRun {
  /** Most changes in any minute. */
  readonly changes: number;
  /** Share of the time out of the free group, percent. */
  readonly away: number;
}

/** Owner first is off: it has a residence of its own, with every policy. */
export function swung({ swing, policy, seed, minutes }: SwingOptions): SwingRun {
  const { world, free } = bringUp({ hosts: 4, seed, busyShare: 0 });
  const beside = wave(swing, world.now + (swing.overMs + swing.underMs) * world.random());
  for (const [index, host] of free.entries())
    new Machine(world, host, today, { policy, ownerCpu: 0, ...(index === 0 && { beside }) });
  // Every load watch has its first sample.
  world.run(2000);
  const [swinging] = free;
  if (!swinging) throw new Error("no host");
  const changes: number[] = [];
  let was = swinging.groups.free;
  let awayMs = 0;
  let since = world.now;
  const change = (): void => {
    if (!was) awayMs += world.now - since;
    was = swinging.groups.free;
    since = world.now;
  };
  world.afterStep = (host) => {
    if (host !== swinging || host.groups.free === was) return;
    change();
    changes.push(world.now);
  };
  world.run(minutes * 60_000);
  change();
  const within = (end: number): number => changes.filter((at) => at > end - 60_000 && at <= end).length;
  return { changes: Math.max(0, ...changes.map(within)), away: awayMs / minutes / 600 };
}

/** What a sample shows of it: the mean over its interval. */
function wave({ over, overMs: high, under, underMs: low }: Swing, phase: number): Beside {
  /** ms over since the start, until a time. */
  const overMs = (at: number): number => {
    const passed = at + phase;
    return Math.floor(passed / (high + low)) * high + Math.min(high, passed % (high + low));
  };
  return (from, to) => {
    const share = (overMs(to) - overMs(from)) / (to - from);
    const names = Object.keys(over) as (keyof Sample)[];
    return Object.fromEntries(
      names.map((name) => [name, share * (over[name] ?? 0) + (1 - share) * (under[name] ?? 0)]),
    );
  };
}

const disk = {
  over: { io: 150_000, ioPressure: 95, diskBusy: 98 },
  under: { io: 300, ioPressure: 0, diskBusy: 1 },
};

/** By name. A sample shows the mean over a second: each swings so that some of them are over, and others are not. */
export const swings: Readonly<Record<string, Swing>> = {
  "CPU 92 and 98 %": { over: { cpu: 98 }, overMs: 1000, under: { cpu: 92 }, underMs: 1000 },
  "CPU 10 and 100 %": { over: { cpu: 100 }, overMs: 2000, under: { cpu: 10 }, underMs: 700 },
  "5,000 and 7,000 switches/s": { over: { ctxt: 7000 }, overMs: 1000, under: { ctxt: 5000 }, underMs: 1000 },
  "3,000 and 400,000 switches/s": {
    over: { ctxt: 400_000 },
    overMs: 700,
    under: { ctxt: 3000 },
    underMs: 2000,
  },
  "a disk that streams, and rests": { ...disk, overMs: 700, underMs: 2000 },
  "the same, slowly": { ...disk, overMs: 7000, underMs: 7000 },
};
