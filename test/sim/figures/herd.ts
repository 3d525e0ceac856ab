/** A hundred hosts, four slots each, nearly all in use: who is refused, and how long jobs take. */
import type { SimHost } from "../host.js";
import type { World } from "../world.js";
import { Caller, connect } from "./caller.js";
import { bringUp, slotsPerHost } from "./cluster.js";
import {
  type Arrival,
  arrivals,
  exponential,
  leastLoaded,
  newTally,
  omniscient,
  PlainShim,
  randomly,
  type Shim,
  type Tally,
} from "./jobs.js";
import { Machine } from "./machine.js";
import { mean } from "./stats.js";

/**
 * `shim`: a job runs at home when a slot is free there, as in production. `away`: every job is asked for, as with
 * `prex`. The others have the shim too, and no cluster: a random host, or the least loaded by a report of the last
 * second.
 */
export type Placement = "shim" | "away" | "random" | "reports";

export interface HerdOptions {
  readonly seed: number;
  readonly hosts: number;
  /** Share of all slots that the jobs would use. */
  readonly load: number;
  readonly seconds: number;
  readonly placement: Placement;
}

export interface Herd {
  readonly jobs: number;
  /** Of 100 jobs. */
  readonly far: number;
  readonly refused: number;
  readonly unslotted: number;
  /** Refusals of 100 jobs that ran on another host. */
  readonly refusedOfFar: number;
  readonly responseMs: number;
  readonly omniscientMs: number;
}

const workMs = 1000;
const reportMs = 1000;

export function herd({ seed, hosts, load, seconds, placement }: HerdOptions): Herd {
  const { world, free } = bringUp({ hosts, seed, busyShare: 0 });
  const machines = free.map((host) => new Machine(world, host, false));
  const tally = newTally();
  const slots = hosts * slotsPerHost;
  const perSecond = (load * slots * 1000) / workMs;
  const jobs = arrivals({ seed, perSecond, seconds, homes: hosts, draw: exponential(workMs) });
  // First reports are in, and every load watch has its first sample.
  world.run(5000);
  start(world, jobs, shims(world, machines, placement, tally));
  world.runUntil(() => tally.responses.length >= jobs.length, seconds * 1000 + 120_000, 100);
  if (tally.responses.length < jobs.length) throw new Error(`seed ${seed}: a job never ended`);
  const percent = (count: number, of: number): number => (100 * count) / Math.max(1, of);
  return {
    jobs: jobs.length,
    far: percent(tally.far, jobs.length),
    refused: percent(tally.refused, jobs.length),
    unslotted: percent(tally.unslotted, jobs.length),
    refusedOfFar: percent(tally.refused, tally.far),
    responseMs: mean(tally.responses),
    omniscientMs: mean(omniscient(jobs, slots)),
  };
}

/** Lets jobs arrive, each at its time from now on. */
export function start(world: World, jobs: readonly Arrival[], at: readonly Shim[]): void {
  const next = (index: number): void => {
    const job = jobs[index];
    if (!job) return;
    world.at(job.atMs - (jobs[index - 1]?.atMs ?? 0), () => {
      at[job.home]?.run(job.workMs);
      next(index + 1);
    });
  };
  next(0);
}

/** A prexd for each machine. */
export function callersOf(
  world: World,
  machines: readonly Machine[],
  byHand: boolean,
  tally: Tally,
): Caller[] {
  const byName = new Map(machines.map((machine) => [machine.host.name, machine]));
  const byHost = new Map<SimHost, Caller>();
  for (const machine of machines)
    byHost.set(machine.host, new Caller({ world, machine, machines: byName, tally, byHand }));
  connect(world, byHost);
  return [...byHost.values()];
}

function shims(world: World, machines: readonly Machine[], placement: Placement, tally: Tally): Shim[] {
  if (placement === "shim" || placement === "away")
    return callersOf(world, machines, placement === "away", tally);
  const pick = placement === "random" ? randomly(world, machines) : leastLoaded(world, machines, reportMs);
  return machines.map((machine) => new PlainShim(world, machine, tally, pick));
}
