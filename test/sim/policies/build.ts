/**
 * One build on more and more hosts, with the costs that were measured on a real one. Production code places its compiles;
 * what make, its shells and PANTS itself compute for each of them falls on home, which is what ends the gain at last.
 */
import { randomFrom } from "../random.js";
import { bringUpSite } from "./cluster.js";
import type { HostModel } from "./model.js";

/** CPU time, ms. */
export interface BuildCosts {
  /** Compiles, and what one takes on average. */
  readonly compiles: number;
  readonly compileMs: number;
  /** What make and its shells take at home for each. */
  readonly stepMs: number;
  /** What PANTS takes at home for one that runs elsewhere. */
  readonly sendMs: number;
  /** What only home does, one after the other, before and after. */
  readonly aloneMs: number;
}

export interface BuildOptions {
  readonly seed: number;
  readonly hosts: number;
  readonly cpus: number;
  readonly costs: BuildCosts;
}

const restMs = 30_000;
const limitMs = 36_000_000;
const plain = { ioMb: 0.2, memoryMb: 40, passes: 0, faults: 20 };

/** Compiles under way at a time for each host, as `make -jN`. */
const perHost = 2;

/** How long it takes, ms: the time alone is added, not simulated. */
export function build({ seed, hosts, cpus, costs }: BuildOptions): number {
  const model: HostModel = { cpus, speed: 1, memoryMb: 4096, systemMb: 256, diskMbps: 150 };
  const models = Array.from({ length: hosts }, () => model);
  const random = randomFrom(seed);
  const slots = Math.max(1, Math.ceil(cpus));
  let compiled = (): void => undefined;
  const site = bringUpSite({
    ...{ seed, hosts: models, policy: "adaptive", slots, restMs, kinds: true },
    over: () => compiled(),
  });
  const { world, machines, callers } = site;
  const [home, caller] = [machines[0], callers[0]];
  if (!home || !caller) throw new Error("a build needs a host");
  const shell = (cpuMs: number, then: () => void): void => {
    home.start({ ...plain, program: "sh", shape: "", cpuMs, ioMb: 0 }, "none", then);
  };
  let [started, done] = [0, 0];
  const next = (): void => {
    if (started >= costs.compiles) return;
    started += 1;
    // Half of a step's work comes before its compile.
    const sending = hosts > 1 ? costs.sendMs : 0;
    shell(costs.stepMs / 2 + sending, () => {
      // Most files are small: an exponential distribution, as a kernel's nearly are.
      const cpuMs = Math.max(5, -costs.compileMs * Math.log(1 - random()));
      caller.run({ ...plain, program: "gcc", shape: "-c", cpuMs });
    });
  };
  compiled = () =>
    shell(costs.stepMs / 2, () => {
      done += 1;
      next();
    });
  const startedAt = world.now;
  for (let job = 0; job < Math.max(2, perHost * hosts * slots); job++) next();
  world.runUntil(() => done >= costs.compiles, limitMs, 100);
  if (done < costs.compiles) throw new Error(`${hosts} hosts, seed ${seed}: a compile never ended`);
  return world.now - startedAt + costs.aloneMs / Math.min(1, cpus);
}
