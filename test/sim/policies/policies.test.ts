/** What docs/load.md says of the policies, on fewer seeds. */
import { describe, expect, it } from "vitest";
import { mean } from "../figures/stats.js";
import { bag, mixedHosts } from "./bag.js";
import { alpha, children, childrenToday, type Micro, type MicroRun, micro, today } from "./micro.js";
import { mixed, slots } from "./mixed.js";
import { boundMs, omniscientMs, unforeseeingMs } from "./omniscient.js";
import { swings, swung } from "./swing.js";
import { policies } from "./tables.js";

const seeds = [11, 12];
const hosts = { "the paper's": [alpha, children], "today's": [today, childrenToday] } as const;

function runs(on: keyof typeof hosts, which: Micro, policy: (typeof policies)[number]): MicroRun[] {
  const [host, works] = hosts[on];
  return seeds.map((seed) => micro({ micro: which, policy, seed, host, work: works[which] }));
}

describe.each(["the paper's", "today's"] as const)("the paper's micro benchmarks on %s hosts", (on) => {
  it.each(["io", "memory"] as const)("%s: multi and adaptive share it, cpu does not", (which) => {
    const [cpu, multi, adaptive] = policies.map((policy) => runs(on, which, policy));
    for (const [index, plain] of (cpu ?? []).entries()) {
      expect(plain.far).toBe(0);
      const [fixed, learning] = [multi?.[index] as MicroRun, adaptive?.[index] as MicroRun];
      for (const sharing of [fixed, learning]) {
        expect(sharing.far).toBe(3);
        expect(sharing.makespanMs).toBeLessThan(plain.makespanMs / 2);
        expect(sharing.deviation).toBeLessThan(plain.deviation * 0.6);
      }
      expect(learning.makespanMs).toBeLessThanOrEqual(1.01 * fixed.makespanMs);
      expect(learning.responseMs).toBeLessThanOrEqual(1.01 * fixed.responseMs);
    }
  });

  it("cpu: all do the same", () => {
    for (const policy of policies)
      for (const { far, makespanMs } of runs(on, "cpu", policy)) {
        expect(far).toBe(on === "today's" ? 0 : 3);
        expect(makespanMs).toBeLessThan(212_000);
      }
  });
});

it("with a slot for each CPU the paper's hosts share everything, whatever the policy", () => {
  for (const which of ["cpu", "io", "memory"] as const)
    for (const policy of policies)
      expect(micro({ micro: which, policy, seed: 11, slots: 1 }).far, `${which}, ${policy}`).toBe(3);
});

describe("a load that swings around a threshold", () => {
  it.each(Object.entries(swings))("%s: adaptive changes six times a minute at most", (_name, swing) => {
    for (const seed of seeds)
      expect(swung({ swing, policy: "adaptive", seed, minutes: 5 }).changes).toBeLessThanOrEqual(6);
  });

  it.each(Object.entries(swings).filter(([, { overMs }]) => overMs <= 2000))(
    "%s: static thresholds more than thirty times",
    (_name, swing) => {
      for (const seed of seeds)
        expect(swung({ swing, policy: "multi", seed, minutes: 2 }).changes).toBeGreaterThan(30);
    },
  );
});

describe("mixed work on hosts that differ", () => {
  const jobs = 60;
  const lengths = (policy: "multi" | "adaptive", kinds: boolean, parallel: number): number[] =>
    seeds.map((seed) => mixed({ seed, policy, kinds, jobs, parallel }).makespanMs);
  const omniscient = seeds.map((seed) =>
    omniscientMs({ works: bag(seed, jobs), hosts: mixedHosts, slots, tries: 400, seed }),
  );

  it.each([12, jobs])(
    "adaptive with kinds of work is a fifth faster than multi, %i at a time",
    (parallel) => {
      const adaptive = lengths("adaptive", true, parallel);
      expect(mean(adaptive)).toBeLessThan(0.8 * mean(lengths("multi", false, parallel)));
      // The aim is 1.15, which five seeds keep to for the second one: docs/load.md. These see that it does not get further.
      expect(mean(adaptive)).toBeLessThan(1.35 * mean(omniscient));
      const unforeseeing = seeds.map((seed) =>
        unforeseeingMs({ works: bag(seed, jobs), hosts: mixedHosts, slots, tries: 40, seed }, parallel, 0.1),
      );
      expect(mean(adaptive)).toBeLessThan(1.2 * mean(unforeseeing));
      for (const [index, ms] of unforeseeing.entries())
        expect(ms).toBeGreaterThan(boundMs(bag(seeds[index] ?? 0, jobs), mixedHosts));
    },
  );

  it("no schedule beats the bound, and the search finds better ones", () => {
    for (const [index, seed] of seeds.entries()) {
      const works = bag(seed, jobs);
      const plan = { works, hosts: mixedHosts, seed };
      expect(omniscient[index]).toBeGreaterThan(boundMs(works, mixedHosts));
      expect(omniscient[index]).toBeLessThan(omniscientMs({ ...plan, slots, tries: 0 }));
    }
  });
});
