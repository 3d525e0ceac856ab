/** The sampler against files as kernels write them: rates, counters that wrap, things that come and go. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { Sampler } from "../../src/io/indices/sampler.js";
import { scratch } from "./support.js";

const folder = scratch();
let root = "";
let now = 0;
let number = 0;

function put(file: string, text: string): void {
  const path = join(root, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

interface Machine {
  cpu?: string;
  ctxt?: number;
  intr?: number;
  faults?: number;
  swapped?: number;
  disks?: string[];
  net?: string[];
  io?: number;
}

const disk = (name: string, sectorsRead: number, sectorsWritten: number, busyMs: number) =>
  ` 254       0 ${name} 4 0 ${sectorsRead} 7 8 0 ${sectorsWritten} 5 0 ${busyMs} 12 6 0 0 0 3 1`;
const card = (name: string, inBytes: number, inPackets: number, outBytes: number, outPackets: number) =>
  `  ${name}: ${inBytes} ${inPackets} 0 0 0 0 0 0 ${outBytes} ${outPackets} 0 0 0 0 0 0`;

function machine(state: Machine): void {
  const { cpu = "10 0 5 100 9 1 2 3 0 0", ctxt = 0, intr = 0, faults = 0, swapped = 0, io = 0 } = state;
  const { disks = [disk("vda", 0, 0, 0)], net = [card("eth0", 0, 0, 0, 0)] } = state;
  put(
    "proc/stat",
    `cpu  ${cpu}\ncpu0 1 1 1 1\nintr ${intr} 3 4 5\nctxt ${ctxt}\nbtime 1\nprocesses 9\nprocs_running 3\nprocs_blocked 0\n`,
  );
  put("proc/vmstat", `nr_free_pages 5\npswpin ${swapped}\npswpout 0\npgfault ${faults}\npgmajfault 2\n`);
  put("proc/meminfo", "MemTotal:        2048000 kB\nMemFree:  1 kB\nMemAvailable:    1024000 kB\n");
  put("proc/diskstats", `${disks.join("\n")}\n`);
  put(
    "proc/self/net/dev",
    `Inter-|   Receive\n face |bytes\n    lo: 99 9 0 0 0 0 0 0 99 9 0 0 0 0 0 0\n${net.join("\n")}\n`,
  );
  for (const name of ["cpu", "io", "memory"])
    put(
      `proc/pressure/${name}`,
      `some avg10=1.00 avg60=2.00 avg300=3.00 total=${name === "io" ? io : 0}\nfull total=9\n`,
    );
  for (const name of ["vda", "sdb", "loop0", "dm-0"])
    mkdirSync(join(root, "sys/block", name), { recursive: true });
}

let groupFiles: Record<string, string> = {};
const read = (file: string) => groupFiles[file] ?? null;

function sampler(): Sampler {
  return new Sampler({ proc: join(root, "proc"), sys: join(root, "sys"), now: () => now, read });
}

beforeEach(() => {
  groupFiles = {};
  root = join(folder, String((number += 1)));
  now = 5000;
  machine({});
});

describe("a machine", () => {
  it("has rates in the indices' units", () => {
    const s = sampler();
    expect(s.world.words).toBe("the whole machine");
    machine({
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
    now += 2000;
    const sample = s.sample();
    expect(sample.cpu).toBeCloseTo((100 * 50) / 100, 0);
    expect(sample).toMatchObject({
      ...{ io: 600, ctxt: 1500, intr: 250, memory: 500, swapped: 50, net: 11, netPackets: 20 },
      ...{ diskBusy: 25, ioPressure: 20, memoryPressure: 0, cpuPressure: 0, runQueue: 3 },
      ...{ availableMb: 1000, totalMb: 2000, guestsCpu: 0 },
    });
  });

  it("follows a counter that wraps at 32 bits, and makes nothing of one that is set back", () => {
    machine({ ctxt: 2 ** 32 - 1000, intr: 5_000_000, faults: 2 ** 40 });
    const s = sampler();
    machine({ ctxt: 1000, intr: 10, faults: 2 ** 40 + 500 });
    now += 1000;
    expect(s.sample()).toMatchObject({ ctxt: 2000, intr: null, memory: 500 });
    machine({ ctxt: 1500, intr: 110, faults: 2 ** 40 + 600 });
    now += 1000;
    expect(s.sample()).toMatchObject({ ctxt: 500, intr: 100, memory: 100 });
  });

  it("has no spike when disks, cards and CPUs come and go", () => {
    const s = sampler();
    machine({
      disks: [disk("vda", 200, 0, 10), disk("sdb", 9_000_000, 9_000_000, 900_000)],
      net: [card("eth0", 1024, 1, 0, 0), card("eth1", 9e12, 9e9, 0, 0)],
    });
    now += 1000;
    expect(s.sample()).toMatchObject({ io: 100, diskBusy: 1, net: 1, netPackets: 1 });
    machine({
      disks: [disk("sdb", 9_000_400, 9_000_000, 900_100)],
      net: [card("eth1", 9e12 + 2048, 9e9 + 2, 0, 0)],
    });
    now += 1000;
    expect(s.sample()).toMatchObject({ io: 200, diskBusy: 10, net: 2, netPackets: 2 });
    // A CPU was taken out with all it had counted.
    machine({ cpu: "1 0 0 2 0 0 0 0 0 0", disks: [], net: [] });
    now += 1000;
    const sample = s.sample();
    expect(sample.cpu).toBeGreaterThanOrEqual(0);
    expect(sample.cpu).toBeLessThanOrEqual(100);
    expect(sample).toMatchObject({ io: null, diskBusy: null, net: null });
  });

  it("has no spike when a disk or card begins again at nothing, and follows one counter that wraps alone", () => {
    const billions = 3_000_000_000;
    machine({
      disks: [disk("vda", billions, 0, billions), disk("sdb", 10, 0, 2 ** 32 - 100)],
      net: [card("eth0", billions, billions, 0, 0), card("eth1", 2 ** 32 - 1024, 5, 0, 0)],
    });
    const s = sampler();
    machine({
      disks: [disk("vda", 90, 0, 8), disk("sdb", 110, 0, 200)],
      net: [card("eth0", 4096, 4, 0, 0), card("eth1", 1024, 7, 0, 0)],
    });
    now += 1000;
    expect(s.sample()).toMatchObject({ io: 50, diskBusy: 30, net: 2, netPackets: 2 });
  });

  it("has no spike when a CPU goes whose idle time was ahead, and is not misled for longer", () => {
    const cpus = (all: string, count: number) => {
      const each = Array.from({ length: count }, (_, n) => `cpu${n} 1 1 1 1\n`).join("");
      put("proc/stat", `cpu  ${all}\n${each}intr 1 2\nctxt 5\nprocs_running 1\n`);
    };
    cpus("1000 0 0 90000 0 0 0 0", 4);
    const s = sampler();
    const second = (all: string, count: number) => {
      cpus(all, count);
      now += 1000;
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
    rmSync(join(root, "proc/pressure"), { recursive: true });
    const s = sampler();
    machine({ ctxt: 500 });
    rmSync(join(root, "proc/pressure"), { recursive: true });
    now += 1000;
    expect(s.sample()).toMatchObject({
      ...{ ctxt: 500, cpuPressure: null, ioPressure: null, memoryPressure: null },
    });
    machine({ ctxt: 900 });
    now -= 3000;
    expect(s.sample()).toMatchObject({ ctxt: null, io: null, net: null, diskBusy: null });
    machine({ ctxt: 1000 });
    now += 1000;
    expect(s.sample()).toMatchObject({ ctxt: 100 });
  });

  it("does without any file, and takes it up when it is there", () => {
    rmSync(join(root, "proc"), { recursive: true });
    const s = sampler();
    now += 1000;
    const sample = s.sample();
    for (const [name, value] of Object.entries(sample))
      expect([name, value]).toEqual([name, name === "cpu" || name === "guestsCpu" ? 0 : null]);
    machine({ ctxt: 100 });
    now += 1000;
    s.sample();
    machine({ ctxt: 600 });
    now += 1000;
    expect(s.sample()).toMatchObject({ ctxt: 500, availableMb: 1000 });
  });

  it("takes cut and senseless files without a fault", () => {
    const s = sampler();
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
        put(`proc/${file}`, text);
      now += 1000;
      const { cpu } = s.sample();
      expect(cpu).toBeGreaterThanOrEqual(0);
      expect(cpu).toBeLessThanOrEqual(100);
    }
  });

  it("knows a rate after a clock that stood still, and after a long sleep", () => {
    const s = sampler();
    machine({ ctxt: 100 });
    expect(s.sample()).toMatchObject({ ctxt: null });
    machine({ ctxt: 300 });
    now += 100_000;
    expect(s.sample()).toMatchObject({ ctxt: 2 });
  });

  it("counts hardware only, where there is any", () => {
    mkdirSync(join(root, "sys/class/net/eth0/device"), { recursive: true });
    const s = sampler();
    machine({
      net: [card("eth0", 1024, 1, 1024, 1), card("br0", 4096, 4, 0, 0), card("veth1", 4096, 4, 0, 0)],
    });
    now += 1000;
    expect(s.sample()).toMatchObject({ net: 2, netPackets: 2 });
  });

  it("tells what jobs of others use from the rest", () => {
    const stat = (pid: number, name: string, session: number, ticks: string) =>
      put(
        `proc/${pid}/stat`,
        `${pid} (${name}) S 1 ${pid} ${session} 0 -1 4194304 1 2 3 4 ${ticks} 20 0 1 0 5 6 7\n`,
      );
    stat(50, "gcc) S 1 1 1", 50, "10 5 20 5");
    stat(51, "cc1", 50, "100 0 0 0");
    stat(60, "make", 60, "900 0 0 0");
    const s = sampler();
    s.sample([50]);
    stat(51, "cc1", 50, "140 10 0 0");
    stat(60, "make", 60, "990 0 0 0");
    now += 1000;
    const { cpus } = s.world;
    expect(s.sample([50]).guestsCpu).toBeCloseTo(50 / cpus);
    // One that is new counts whole; one that has ended no longer.
    now += 1000;
    expect(s.sample([60]).guestsCpu).toBeCloseTo(Math.min(100, 990 / cpus));
    now += 1000;
    expect(s.sample([]).guestsCpu).toBe(0);
    // Its slot was taken for four tenths of the time: what it used in them cannot be seen any more, and was nobody else's.
    s.sample([50]);
    now += 1000;
    expect(s.sample([], 0.4, cpus).guestsCpu).toBeCloseTo(40 / cpus);
    // A slot for all of the time, by one that is there: what it used was measured.
    s.sample([60]);
    stat(60, "make", 60, "1000 0 0 0");
    now += 1000;
    expect(s.sample([60], 1, cpus).guestsCpu).toBeCloseTo(10 / cpus);
    // One that came and is there, after another that took the slot for the first half.
    stat(61, "cc1", 61, "50 0 0 0");
    now += 1000;
    expect(s.sample([61], 1, cpus).guestsCpu).toBeCloseTo(100 / cpus);
  });
});

describe("a limited control group", () => {
  it("of version 2 counts its own use", () => {
    const cg = (file: string, text: string) => {
      put(`cg/${file}`, text);
      groupFiles[join(root, "cg", file)] = text;
    };
    groupFiles["/proc/self/mountinfo"] = `32 31 0:29 / ${root}/cg rw - cgroup2 cgroup2 rw`;
    groupFiles["/proc/self/cgroup"] = "0::/box/leaf";
    const state = (usedUs: number, bytes: number, faults: number, ioUs: number) => {
      cg("box/cpu.max", "50000 100000\n");
      cg("box/cpu.stat", `usage_usec ${usedUs}\n`);
      cg("box/memory.max", String(512 * 2 ** 20));
      cg("box/memory.current", String(300 * 2 ** 20));
      cg(
        "box/memory.stat",
        `anon 1\ninactive_file ${100 * 2 ** 20}\nactive_file ${50 * 2 ** 20}\npgfault ${faults}\n`,
      );
      cg("box/io.stat", `254:0 rbytes=${bytes} wbytes=1024 rios=1\n8:0 rbytes=0 wbytes=${bytes} dios=2\n`);
      cg("box/io.pressure", `some avg10=0 total=${ioUs}\nfull total=0\n`);
      cg("box/cpu.pressure", "some total=0\n");
      cg("box/memory.pressure", "some total=0\n");
      cg("box/cgroup.procs", "");
      cg("box/leaf/cgroup.procs", "70\n");
    };
    const task = (tid: number, switches: number) =>
      put(
        `proc/70/task/${tid}/status`,
        `Name:\tx\nvoluntary_ctxt_switches:\t${switches}\nnonvoluntary_ctxt_switches:\t1\n`,
      );
    state(0, 0, 0, 0);
    task(70, 100);
    const s = sampler();
    expect(s.world.words).toBe("control group /box: 0.5 CPUs, 512 MiB");
    state(250_000, 2048, 80, 300_000);
    machine({
      cpu: "900 0 0 0 0 0 0 0",
      ctxt: 9e9,
      intr: 9e9,
      faults: 9e9,
      disks: [disk("vda", 9e9, 0, 900)],
    });
    task(70, 150);
    task(71, 49);
    now += 1000;
    expect(s.sample()).toMatchObject({
      ...{ cpu: 50, io: 4, ctxt: 100, memory: 80, intr: null, diskBusy: null, ioPressure: 30 },
      ...{ availableMb: 512 - 300 + 100 + 25, totalMb: 512 },
    });
    // A task that ended takes nothing away.
    rmSync(join(root, "proc/70/task/71"), { recursive: true });
    task(70, 151);
    now += 1000;
    expect(s.sample()).toMatchObject({ ctxt: 1 });
  });

  it("of version 2 is the root of what a container sees, and counts no disk twice", () => {
    const cg = (file: string, text: string) => {
      put(`cg/${file}`, text);
      groupFiles[join(root, "cg", file)] = text;
    };
    groupFiles["/proc/self/mountinfo"] = `32 31 0:29 /../../box ${root}/cg rw - cgroup2 cgroup2 rw`;
    groupFiles["/proc/self/cgroup"] = "0::/";
    mkdirSync(join(root, "sys/dev/block"), { recursive: true });
    symlinkSync("../../devices/pci/block/vda", join(root, "sys/dev/block/254:0"));
    symlinkSync("../../devices/virtual/block/dm-0", join(root, "sys/dev/block/253:0"));
    const state = (bytes: number, tasks: number) => {
      cg("cpu.max", "max 100000\n");
      cg("memory.max", `${512 * 2 ** 20}\n`);
      cg("memory.current", "1000\n");
      cg("memory.stat", "pgfault 5\n");
      const counts = `rbytes=${bytes} wbytes=${bytes} rios=9 wios=9 dbytes=77 dios=1`;
      cg("io.stat", `254:0 ${counts}\n253:0 ${counts}\n8:0 \n7:9 rbytes=0\n`);
      cg("cgroup.procs", "90\n0\n");
      for (let tid = 90; tid < 90 + tasks; tid += 1)
        put(`proc/90/task/${tid}/schedstat`, `1 1 ${bytes + 1}\n`);
    };
    state(0, 300);
    const s = sampler();
    expect(s.world.words).toBe("control group /: 512 MiB");
    state(10_240, 300);
    now += 1000;
    // Of so many tasks as can be looked at, and no more.
    expect(s.sample()).toMatchObject({ io: 20, ctxt: 200 * 10_240, memory: 0, ioPressure: null });
  });

  it("of version 1 does, in several hierarchies", () => {
    const controllers = ["cpu", "cpuacct", "memory", "blkio"];
    groupFiles["/proc/self/mountinfo"] = controllers
      .map((name, n) => `3${n} 31 0:2${n} / ${root}/cg/${name} rw - cgroup cgroup rw,${name}`)
      .join("\n");
    groupFiles["/proc/self/cgroup"] = controllers.map((name, n) => `${n + 1}:${name}:/lab/h1`).join("\n");
    const cg = (file: string, text: string) => {
      put(`cg/${file}`, text);
      groupFiles[join(root, "cg", file)] = text;
    };
    const state = (usedNs: number, bytes: number, faults: number) => {
      cg("cpu/lab/h1/cpu.cfs_quota_us", "10000\n");
      cg("cpu/lab/h1/cpu.cfs_period_us", "20000\n");
      cg("cpuacct/lab/h1/cpuacct.usage", `${usedNs}\n`);
      cg("memory/lab/h1/memory.limit_in_bytes", `${256 * 2 ** 20}\n`);
      cg("memory/lab/h1/memory.usage_in_bytes", `${200 * 2 ** 20}\n`);
      cg(
        "memory/lab/h1/memory.stat",
        `pgfault 7\ntotal_inactive_file 0\ntotal_active_file 0\ntotal_pgfault ${faults}\n`,
      );
      cg(
        "blkio/lab/h1/blkio.throttle.io_service_bytes_recursive",
        `254:0 Read ${bytes}\n254:0 Total ${bytes}\n8:0 Total ${bytes}\nTotal ${2 * bytes}\n`,
      );
    };
    const task = (pid: number, ranNs: number, waitedNs: number, switches: number, moved: string) => {
      put(`proc/${pid}/task/${pid}/schedstat`, `${ranNs} ${waitedNs} ${switches}\n`);
      put(`proc/${pid}/io`, moved);
    };
    const moved = (read: number, written: number, cancelled: number) =>
      `rchar: 9999\nread_bytes: ${read}\nwrite_bytes: ${written}\ncancelled_write_bytes: ${cancelled}\n`;
    cg("cpu/lab/h1/cgroup.procs", "80\n81\n");
    put("cg/cpu/lab/h1/cgroup.procs", "80\n81\n");
    task(80, 0, 0, 10, moved(0, 0, 0));
    task(81, 0, 0, 10, "");
    state(0, 0, 0);
    const s = sampler();
    expect(s.world.words).toBe("control group /lab/h1: 0.5 CPUs, 256 MiB");
    state(1e8, 10_240, 33);
    now += 1000;
    expect(s.sample()).toMatchObject({
      cpu: 20,
      io: 20,
      memory: 33,
      availableMb: 56,
      totalMb: 256,
      ioPressure: null,
    });
    // A kernel that counts no I/O for the group tells that of its processes, and of the children that they reaped.
    state(2e8, 10_240, 33);
    task(80, 0, 0, 35, moved(40_960, 81_920, 20_480));
    now += 1000;
    expect(s.sample()).toMatchObject({ io: 100, ctxt: 25 });
    // A process went away with what it had counted.
    put("cg/cpu/lab/h1/cgroup.procs", "81\n");
    now += 1000;
    expect(s.sample()).toMatchObject({ io: 0, ctxt: 0 });
  });

  it("wants the CPU time that others kept it from, and no more than they used", () => {
    groupFiles["/proc/self/mountinfo"] = `32 31 0:29 / ${root}/cg rw - cgroup2 cgroup2 rw`;
    groupFiles["/proc/self/cgroup"] = "0::/box";
    groupFiles[join(root, "cg/box/cpu.max")] = "100000 100000\n";
    put("cg/box/cgroup.procs", "90\n");
    const state = (usedMs: number, waitedMs: number, machineTicks: number) => {
      groupFiles[join(root, "cg/box/cpu.stat")] = `usage_usec ${usedMs * 1000}\n`;
      put("proc/90/task/90/schedstat", `${usedMs * 1e6} ${waitedMs * 1e6} ${usedMs + 1}\n`);
      put("proc/90/stat", `90 (gcc) S 1 90 90 0 -1 4194304 1 2 3 4 ${usedMs / 20} 0 0 0 20 0 1 0 5\n`);
      machine({ cpu: `${machineTicks} 0 0 0 0 0 0 0 0 0` });
    };
    state(0, 0, 0);
    const s = sampler();
    s.sample([90]);
    const second = (usedMs: number, waitedMs: number, machineTicks: number) => {
      state(usedMs, waitedMs, machineTicks);
      now += 1000;
      return s.sample([90]);
    };
    // Four tenths of a CPU used, six tenths waited for, on a machine that is full: half of it, as was used, by the guest.
    expect(second(400, 600, 200)).toMatchObject({ cpu: 100, guestsCpu: 50, ctxt: 400 });
    // Its tasks waited for each other: nobody else used anything.
    expect(second(800, 1200, 240)).toMatchObject({ cpu: 40 });
    // Others used a tenth.
    expect(second(1200, 1800, 290).cpu).toBeCloseTo(50);
    // It slept for a time too, so it got what it wanted, only later.
    expect(second(1400, 2300, 490).cpu).toBeCloseTo(20);
  });
});

describe("this machine", () => {
  it("shows a load of its own", () => {
    const s = new Sampler();
    const end = performance.now() + 400;
    while (performance.now() < end) Buffer.alloc(1 << 20).fill(1);
    const sample = s.sample();
    expect(sample.cpu).toBeGreaterThan(5);
    expect(sample.memory).toBeGreaterThan(0);
    expect(sample.availableMb).toBeGreaterThan(0);
  });

  it("costs little memory, however often it is asked", () => {
    const s = new Sampler();
    const grown = (count: number) => {
      for (let n = 0; n < count; n += 1) s.sample();
      return process.memoryUsage().external + process.memoryUsage().arrayBuffers;
    };
    const before = grown(50);
    expect(grown(3600) - before).toBeLessThan(1 << 20);
  });
});
