/** Limits that change while a sampler runs. */
import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { Sampler } from "../../../src/io/indices/sampler.js";
import { kernel } from "./kernel.js";

const k = kernel();

function group(path: string): void {
  k.groupFiles["/proc/self/mountinfo"] = `32 31 0:29 / ${k.root}/cg rw - cgroup2 cgroup2 rw`;
  k.groupFiles["/proc/self/cgroup"] = `0::${path}`;
}

it("are seen by the next sample, which measures by them", () => {
  group("/box");
  const use = (ms: number): void => k.cg("box/cpu.stat", `usage_usec ${ms * 1000}\n`);
  k.cg("box/cpu.max", "50000 100000\n");
  use(0);
  const s = k.sampler();
  const first = s.world;
  use(250);
  k.now += 1000;
  expect(s.sample()).toMatchObject({ cpu: 50 });
  expect(s.world, "the same object while nothing changes").toBe(first);
  k.cg("box/cpu.max", "25000 100000\n");
  use(350);
  k.now += 1000;
  expect(s.sample(), "an interval of two limits says nothing").toMatchObject({ cpu: 50 });
  expect(s.world.words).toBe("control group /box: 0.25 CPUs");
  use(450);
  k.now += 1000;
  expect(s.sample()).toMatchObject({ cpu: 40 });
});

it("are found where there were none, with the controller that they come with, and may go again", () => {
  group("/box");
  k.cg("box/cgroup.controllers", "io\n");
  const s = k.sampler();
  expect(s.world).toMatchObject({ words: "the whole machine", group: null });
  k.cg("box/cgroup.controllers", "io memory\n");
  k.cg("box/memory.max", `${256 * 2 ** 20}\n`);
  k.cg("box/memory.current", "1000\n");
  k.cg("box/memory.stat", "pgfault 5\n");
  k.now += 1000;
  expect(s.sample()).toMatchObject({ totalMb: 256 });
  k.cg("box/memory.max", "max\n");
  k.now += 1000;
  expect(s.sample().totalMb).toBe(2000);
  expect(s.world.words).toBe("the whole machine");
});

it("follow this process into another group", () => {
  group("/box");
  k.cg("box/cpu.max", "50000 100000\n");
  k.cg("other/cpu.max", "75000 100000\n");
  const s = k.sampler();
  group("/other");
  k.now += 1000;
  s.sample();
  expect(s.world.words).toBe("control group /other: 0.75 CPUs");
});

it("leave no more files open however often they are looked at, nor when they change", () => {
  const s = new Sampler();
  const open = (samples: number): number => {
    for (let i = 0; i < samples; i += 1) s.sample();
    return readdirSync("/proc/self/fd").length;
  };
  const few = open(2);
  expect(open(200)).toBe(few);
  group("/box");
  k.cg("box/memory.current", "1\n");
  k.cg("box/memory.stat", "pgfault 5\n");
  k.cg("box/memory.max", "1000000\n");
  const changing = k.sampler();
  const before = readdirSync("/proc/self/fd").length;
  for (let i = 0; i < 100; i += 1) {
    k.cg("box/memory.max", `${1_000_000 + i}\n`);
    k.now += 1000;
    changing.sample();
  }
  expect(readdirSync("/proc/self/fd").length).toBe(before);
});
