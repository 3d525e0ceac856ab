/** Jobs as they arrive, and the plain ways to place them that the cluster is compared with. */
import { randomFrom } from "../random.js";
import type { World } from "../world.js";
import type { Machine } from "./machine.js";

export interface Arrival {
  readonly atMs: number;
  /** Index of the host where it is started. */
  readonly home: number;
  /** CPU time that it takes. */
  readonly workMs: number;
}

/** What became of the jobs. */
export interface Tally {
  /** Response times, ms: from the start to the end as its home sees it. */
  readonly responses: number[];
  /** Attempts that an executor with no slot left turned down. */
  refused: number;
  /** Jobs that ran on another host. */
  far: number;
  /** Jobs that ran at home without a slot. */
  unslotted: number;
}

export const newTally = (): Tally => ({ responses: [], refused: 0, far: 0, unslotted: 0 });

/** Whatever runs a job that is started on its host; a job is what it needs, in the simplest case ms of CPU time. */
export interface Shim<Work = number> {
  run(work: Work): void;
}

/** Poisson arrivals at random hosts. `draw` gives the CPU time of a job from a uniform random number. */
export function arrivals(options: {
  readonly seed: number;
  readonly perSecond: number;
  readonly seconds: number;
  readonly homes: number;
  readonly draw: (uniform: number) => number;
}): Arrival[] {
  const random = randomFrom(options.seed);
  const result: Arrival[] = [];
  for (let atMs = 0; ; ) {
    atMs -= (1000 / options.perSecond) * Math.log(1 - random());
    if (atMs >= options.seconds * 1000) return result;
    const home = Math.floor(random() * options.homes);
    result.push({ atMs, home, workMs: options.draw(random()) });
  }
}

export const exponential = (meanMs: number) => (uniform: number) => -meanMs * Math.log(1 - uniform);

/** Response times when whoever knows everything places the jobs, at once and at no cost: first come, first served. */
export function omniscient(jobs: readonly Arrival[], slots: number): number[] {
  const freeAt = new Array<number>(slots).fill(0);
  return jobs.map(({ atMs, workMs }) => {
    let first = 0;
    for (let slot = 1; slot < slots; slot++) if ((freeAt[slot] ?? 0) < (freeAt[first] ?? 0)) first = slot;
    const end = Math.max(atMs, freeAt[first] ?? 0) + workMs;
    freeAt[first] = end;
    return end - atMs;
  });
}

/** Tries after which a job runs at home, as with prexd. */
export const triesMax = 4;

/** A shim beside which no cluster runs: here if a slot is free, else where `pick` says, until one takes it. */
export class PlainShim implements Shim {
  constructor(
    private readonly world: World,
    private readonly machine: Machine,
    private readonly tally: Tally,
    private readonly pick: (not: ReadonlySet<Machine>) => Machine,
  ) {}

  run(workMs: number): void {
    const { now } = this.world;
    const ended = () => this.tally.responses.push(this.world.now - now);
    if (this.machine.usable > 0 && this.machine.start(workMs, "own", ended) === "started") return;
    this.#send(workMs, new Set([this.machine]), ended);
  }

  #send(workMs: number, tried: Set<Machine>, ended: () => void): void {
    const { world } = this;
    const target = this.pick(tried);
    tried.add(target);
    world.at(world.delayMs(), () => {
      const started = target.start(workMs, "guest", () => world.at(world.delayMs(), ended));
      if (started === "started") this.tally.far += 1;
      else world.at(world.delayMs(), () => this.#refused(workMs, tried, ended));
    });
  }

  #refused(workMs: number, tried: Set<Machine>, ended: () => void): void {
    this.tally.refused += 1;
    if (tried.size <= triesMax) this.#send(workMs, tried, ended);
    else if (this.machine.start(workMs, "own", ended) !== "started") {
      this.tally.unslotted += 1;
      this.machine.start(workMs, "none", ended);
    }
  }
}

/** Anyone, with equal probability. */
export function randomly(world: World, machines: readonly Machine[]): PlainShim["pick"] {
  return (not) => {
    for (;;) {
      const machine = machines[Math.floor(world.random() * machines.length)];
      if (machine && !not.has(machine)) return machine;
    }
  };
}

/** The one with the fewest slots taken when all were last looked at; any of those that had as few. */
export function leastLoaded(world: World, machines: readonly Machine[], everyMs: number): PlainShim["pick"] {
  let seen = new Map<Machine, number>();
  const look = (): void => {
    seen = new Map(machines.map((machine) => [machine, machine.taken]));
    world.at(everyMs, look);
  };
  look();
  return (not) => {
    const others = machines.filter((machine) => !not.has(machine));
    const least = Math.min(...others.map((machine) => seen.get(machine) ?? 0));
    const best = others.filter((machine) => (seen.get(machine) ?? 0) === least);
    return best[Math.floor(world.random() * best.length)] as Machine;
  };
}
