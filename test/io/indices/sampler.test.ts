/** The sampler against files as kernels write them: rates, counters that wrap, files that are cut or missing. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { card, disk, kernel } from "./kernel.js";

const k = kernel();

it("has rates in the indices' units", () => {
  const s = k.sampler();
  expect(s.world.words).toBe("the whole machine");
  k.machine({
    cpu: "30 10 15 140 19 3 6 7 4 0", // 50 of 100 used: waiting for I/O is idle, stolen time is not
    ctxt: 3000,
    intr: 500,
    faults: 900,
    swapped: 100,
    disks: [
      disk("vda", 2000, 400, 500),
      disk("vda1", 2000, 400, 500),
      disk("loop0", 9, 9, 999),
      disk("dm-0", 9, 9, 999),
    ],
    net: [card("eth0", 20_480, 30, 2048, 10)],
    io: 400_000,
  });
  k.now += 2000;
  expect(s.cpuSoFar(), "for little").toBe(50);
  const sample = s.sample();
  expect(s.cpuSoFar(), "nothing since then").toBeNull();
  expect(sample.cpu).toBeCloseTo((100 * 50) / 100, 0);
  expect(sample).toMatchObject({
    ...{ io: 600, ctxt: 1500, intr: 250, memory: 500, swapped: 50, net: 11, netPackets: 20 },
    ...{ diskBusy: 25, ioPressure: 20, memoryPressure: 0, cpuPressure: 0, runQueue: 3 },
    ...{ availableMb: 1000, totalMb: 2000, guestsCpu: 0 },
  });
});

it("follows a counter that wraps at 32 bits, and makes nothing of one that is set back", () => {
  k.machine({ ctxt: 2 ** 32 - 1000, intr: 5_000_000, faults: 2 ** 40 });
  const s = k.sampler();
  k.machine({ ctxt: 1000, intr: 10, faults: 2 ** 40 + 500 });
  k.now += 1000;
  expect(s.sample()).toMatchObject({ ctxt: 2000, intr: null, memory: 500 });
  k.machine({ ctxt: 1500, intr: 110, faults: 2 ** 40 + 600 });
  k.now += 1000;
  expect(s.sample()).toMatchObject({ ctxt: 500, intr: 100, memory: 100 });
});

it("has no spike when a CPU goes whose idle time was ahead, and is not misled for longer", () => {
  const cpus = (all: string, count: number) => {
    const each = Array.from({ length: count }, (_, n) => `cpu${n} 1 1 1 1\n`).join("");
    k.put("proc/stat", `cpu  ${all}\n${each}intr 1 2\nctxt 5\nprocs_running 1\n`);
  };
  cpus("1000 0 0 90000 0 0 0 0", 4);
  const s = k.sampler();
  const second = (all: string, count: number) => {
    cpus(all, count);
    k.now += 1000;
    return s.sample().cpu;
  };
  expect(second("1040 0 0 90360 0 0 0 0", 4)).toBeCloseTo(10);
  expect(second("1070 0 0 90370 0 0 0 0", 3)).toBeCloseTo(10);
  expect(second("1100 0 0 90640 0 0 0 0", 3)).toBeCloseTo(10);
  // A kernel that loses ticks always tells that little.
  expect(second("1130 0 0 90670 0 0 0 0", 3)).toBeCloseTo(10);
  expect(second("1160 0 0 90700 0 0 0 0", 3)).toBeCloseTo(50);
});

it("says nothing of pressure where the kernel does not, and of rates when the clock went back", () => {
  rmSync(join(k.root, "proc/pressure"), { recursive: true });
  const s = k.sampler();
  k.machine({ ctxt: 500 });
  rmSync(join(k.root, "proc/pressure"), { recursive: true });
  k.now += 1000;
  expect(s.sample()).toMatchObject({
    ...{ ctxt: 500, cpuPressure: null, ioPressure: null, memoryPressure: null },
  });
  k.machine({ ctxt: 900 });
  k.now -= 3000;
  expect(s.sample()).toMatchObject({ ctxt: null, io: null, net: null, diskBusy: null });
  k.machine({ ctxt: 1000 });
  k.now += 1000;
  expect(s.sample()).toMatchObject({ ctxt: 100 });
});

it("does without any file, and takes it up when it is there", () => {
  rmSync(join(k.root, "proc"), { recursive: true });
  const s = k.sampler();
  k.now += 1000;
  const sample = s.sample();
  for (const [name, value] of Object.entries(sample))
    expect([name, value]).toEqual([name, name === "cpu" || name === "guestsCpu" ? 0 : null]);
  k.machine({ ctxt: 100 });
  k.now += 1000;
  s.sample();
  k.machine({ ctxt: 600 });
  k.now += 1000;
  expect(s.sample()).toMatchObject({ ctxt: 500, availableMb: 1000 });
});

it("takes cut and senseless files without a fault", () => {
  const s = k.sampler();
  for (const text of [
    "",
    "\n",
    "cpu",
    "cpu  x y z\nctxt\nintr -\n",
    "\0\0\0",
    "9".repeat(400),
    "cpu ".repeat(9000),
  ]) {
    for (const file of ["stat", "vmstat", "meminfo", "diskstats", "self/net/dev", "pressure/io"])
      k.put(`proc/${file}`, text);
    k.now += 1000;
    const { cpu } = s.sample();
    expect(cpu).toBeGreaterThanOrEqual(0);
    expect(cpu).toBeLessThanOrEqual(100);
  }
});

it("knows a rate after a clock that stood still, and after a long sleep", () => {
  const s = k.sampler();
  k.machine({ ctxt: 100 });
  expect(s.sample()).toMatchObject({ ctxt: null });
  k.machine({ ctxt: 300 });
  k.now += 100_000;
  expect(s.sample()).toMatchObject({ ctxt: 2 });
});
