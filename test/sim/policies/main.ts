/** Compares the policies by simulation and writes the section in docs/load.md. The same seeds, the same figures. */
import { writeFigures } from "../figures/page.js";
import { mean } from "../figures/stats.js";
import { bag, mixedHosts } from "./bag.js";
import { alpha, children, childrenToday, micro, today } from "./micro.js";
import { mixed, slots } from "./mixed.js";
import { boundMs, omniscientMs, unforeseeingMs } from "./omniscient.js";
import { section } from "./section.js";
import { swings, swung } from "./swing.js";
import { type Bounds, type MicroRow, type MixedRow, policies, type SwingRow } from "./tables.js";

const seeds = [1, 2, 3, 4, 5];
const microHosts = [
  { hosts: "the paper's", host: alpha, works: children },
  { hosts: "today's", host: today, works: childrenToday },
];

function measureMicro(): MicroRow[] {
  return microHosts.flatMap(({ hosts, host, works }) =>
    (["cpu", "io", "memory"] as const).flatMap((which) =>
      policies.map((policy) => {
        const runs = seeds.map((seed) => micro({ micro: which, policy, seed, host, work: works[which] }));
        console.error(`micro benchmark: ${hosts}, ${which}, ${policy}`);
        return { hosts, micro: which, policy, runs };
      }),
    ),
  );
}

function measureSwings(): SwingRow[] {
  return Object.entries(swings).map(([name, swing]) => {
    const of = (policy: (typeof policies)[number]) =>
      seeds.map((seed) => swung({ swing, policy, seed, minutes: 5 }));
    return { name, runs: { cpu: of("cpu"), multi: of("multi"), adaptive: of("adaptive") } };
  });
}

const jobs = 60;
const parallels = [12, jobs];
const schedulers = [
  { scheduler: "`cpu`", policy: "cpu", kinds: false },
  { scheduler: "`multi`", policy: "multi", kinds: false },
  { scheduler: "`multi`, with kinds of work", policy: "multi", kinds: true },
  { scheduler: "`adaptive`", policy: "adaptive", kinds: false },
  { scheduler: "`adaptive`, with kinds of work", policy: "adaptive", kinds: true },
] as const;

function measureMixed(): MixedRow[] {
  return schedulers.map(({ scheduler, policy, kinds }) => {
    console.error(`mixed: ${scheduler}`);
    const of = (parallel: number) => seeds.map((seed) => mixed({ seed, policy, kinds, jobs, parallel }));
    return { scheduler, runs: new Map(parallels.map((parallel) => [parallel, of(parallel)])) };
  });
}

/** For each plan of whoever does not know what comes: of 0, 0.02, 0.05, 0.1, 0.25 and 1 the best weight, and of 200 and 1000 nearly the better number. */
const early = 0.1;
const triesOften = 400;

function bounds(): Bounds {
  const each = seeds.map((seed) => {
    const works = bag(seed, jobs);
    const plan = { works, hosts: mixedHosts, seed, tries: 4000 };
    return {
      omniscientMs: omniscientMs({ ...plan, slots }),
      unslottedMs: omniscientMs({ ...plan, slots: null }),
      unforeseeingMs: parallels.map((parallel) =>
        unforeseeingMs({ ...plan, slots, tries: triesOften }, parallel, early),
      ),
      boundMs: boundMs(works, mixedHosts),
    };
  });
  const of = (pick: (one: (typeof each)[number]) => number): number => mean(each.map(pick));
  return {
    omniscientMs: of((one) => one.omniscientMs),
    unslottedMs: of((one) => one.unslottedMs),
    unforeseeingMs: new Map(
      parallels.map((parallel, index) => [parallel, of((one) => one.unforeseeingMs[index] ?? 0)]),
    ),
    boundMs: of((one) => one.boundMs),
  };
}

writeFigures(
  "docs/load.md",
  section({ micro: measureMicro(), swings: measureSwings(), mixed: measureMixed(), bounds: bounds() }),
);
