/** A bag of mixed jobs, started on one of several hosts that differ: how long until all are done. */
import { mean } from "../figures/stats.js";
import { bag, mixedHosts } from "./bag.js";
import { bringUpSite } from "./cluster.js";
import type { PolicyName } from "./machine.js";

export interface MixedOptions {
  readonly seed: number;
  readonly policy: PolicyName;
  /** prexd learns what jobs need. */
  readonly kinds: boolean;
  readonly jobs: number;
  /** Jobs under way at a time, as by `make -jN`. */
  readonly parallel: number;
}

export interface MixedRun {
  readonly makespanMs: number;
  readonly responseMs: number;
  /** Of 100 jobs: on other hosts, and at home without a slot. */
  readonly far: number;
  readonly unslotted: number;
}

export const slots = 2;
/** Between the rounds, and before the first. */
const restMs = 60_000;
const limitMs = 7_200_000;

/** Two rounds of jobs of the same kinds, no two alike; the second counts. */
export function mixed({ seed, policy, kinds, jobs, parallel }: MixedOptions): MixedRun {
  let next = (): void => undefined;
  const site = bringUpSite({ seed, hosts: mixedHosts, policy, slots, restMs, kinds, over: () => next() });
  const { world, callers, tally } = site;
  const round = (works: ReturnType<typeof bag>): number => {
    const startedAt = world.now;
    let started = 0;
    next = () => {
      const work = works[started++];
      if (work) callers[0]?.run(work);
    };
    const until = tally.responses.length + works.length;
    for (let index = 0; index < parallel; index++) next();
    world.runUntil(() => tally.responses.length >= until, limitMs, 100);
    if (tally.responses.length < until) throw new Error(`${policy}, seed ${seed}: a job never ended`);
    return world.now - startedAt;
  };
  round(bag(seed + 1000, jobs));
  world.run(restMs);
  const before = { far: tally.far, unslotted: tally.unslotted };
  const makespanMs = round(bag(seed, jobs));
  const percent = (count: number): number => (100 * count) / jobs;
  return {
    makespanMs,
    responseMs: mean(tally.responses.slice(-jobs)),
    far: percent(tally.far - before.far),
    unslotted: percent(tally.unslotted - before.unslotted),
  };
}
