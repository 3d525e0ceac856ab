/** A limited control group, of version 1 and 2, counts its own use. */
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { disk, kernel } from "./kernel.js";

const k = kernel();

it("of version 2 counts its own use", () => {
  k.groupFiles["/proc/self/mountinfo"] = `32 31 0:29 / ${k.root}/cg rw - cgroup2 cgroup2 rw`;
  k.groupFiles["/proc/self/cgroup"] = "0::/box/leaf";
  const state = (usedUs: number, bytes: number, faults: number, ioUs: number) => {
    k.cg("box/cpu.max", "50000 100000\n");
    k.cg("box/cpu.stat", `usage_usec ${usedUs}\n`);
    k.cg("box/memory.max", String(512 * 2 ** 20));
    k.cg("box/memory.current", String(300 * 2 ** 20));
    k.cg(
      "box/memory.stat",
      `anon 1\ninactive_file ${100 * 2 ** 20}\nactive_file ${50 * 2 ** 20}\npgfault ${faults}\n`,
    );
    k.cg("box/io.stat", `254:0 rbytes=${bytes} wbytes=1024 rios=1\n8:0 rbytes=0 wbytes=${bytes} dios=2\n`);
    k.cg("box/io.pressure", `some avg10=0 total=${ioUs}\nfull total=0\n`);
    k.cg("box/cpu.pressure", "some total=0\n");
    k.cg("box/memory.pressure", "some total=0\n");
    k.cg("box/cgroup.procs", "");
    k.cg("box/leaf/cgroup.procs", "70\n");
  };
  const task = (tid: number, switches: number) =>
    k.put(
      `proc/70/task/${tid}/status`,
      `Name:\tx\nvoluntary_ctxt_switches:\t${switches}\nnonvoluntary_ctxt_switches:\t1\n`,
    );
  state(0, 0, 0, 0);
  task(70, 100);
  const s = k.sampler();
  expect(s.world.words).toBe("control group /box: 0.5 CPUs, 512 MiB");
  state(250_000, 2048, 80, 300_000);
  k.machine({
    cpu: "900 0 0 0 0 0 0 0",
    ctxt: 9e9,
    intr: 9e9,
    faults: 9e9,
    disks: [disk("vda", 9e9, 0, 900)],
  });
  task(70, 150);
  task(71, 49);
  k.now += 1000;
  expect(s.sample()).toMatchObject({
    ...{ cpu: 50, io: 4, ctxt: 100, memory: 80, intr: null, diskBusy: null, ioPressure: 30 },
    ...{ availableMb: 512 - 300 + 100 + 25, totalMb: 512 },
  });
  // A task that ended takes nothing away.
  rmSync(join(k.root, "proc/70/task/71"), { recursive: true });
  task(70, 151);
  k.now += 1000;
  expect(s.sample()).toMatchObject({ ctxt: 1 });

  // What it has used since then is known for little, and takes nothing from the next sample.
  state(650_000, 2048, 80, 300_000);
  k.now += 1000;
  expect(s.cpuSoFar()).toBe(80);
  // Its processes are left alone, and begin anew when they are not.
  task(70, 951);
  expect(s.sample([], 0, 1, true)).toMatchObject({ cpu: 80, ctxt: null, memory: 0 });
  const switches = [2951, 2981].map((count) => {
    task(70, count);
    k.now += 1000;
    return s.sample().ctxt;
  });
  expect(switches).toEqual([null, 30]);
});

it("of version 2 is the root of what a container sees, and counts no disk twice", () => {
  k.groupFiles["/proc/self/mountinfo"] = `32 31 0:29 /../../box ${k.root}/cg rw - cgroup2 cgroup2 rw`;
  k.groupFiles["/proc/self/cgroup"] = "0::/";
  mkdirSync(join(k.root, "sys/dev/block"), { recursive: true });
  symlinkSync("../../devices/pci/block/vda", join(k.root, "sys/dev/block/254:0"));
  symlinkSync("../../devices/virtual/block/dm-0", join(k.root, "sys/dev/block/253:0"));
  const state = (bytes: number, tasks: number) => {
    k.cg("cpu.max", "max 100000\n");
    k.cg("memory.max", `${512 * 2 ** 20}\n`);
    k.cg("memory.current", "1000\n");
    k.cg("memory.stat", "pgfault 5\n");
    const counts = `rbytes=${bytes} wbytes=${bytes} rios=9 wios=9 dbytes=77 dios=1`;
    k.cg("io.stat", `254:0 ${counts}\n253:0 ${counts}\n8:0 \n7:9 rbytes=0\n`);
    k.cg("cgroup.procs", "90\n0\n");
    for (let tid = 90; tid < 90 + tasks; tid += 1)
      k.put(`proc/90/task/${tid}/schedstat`, `1 1 ${bytes + 1}\n`);
  };
  state(0, 300);
  const s = k.sampler();
  expect(s.world.words).toBe("control group /: 512 MiB");
  state(10_240, 300);
  k.now += 1000;
  // Of so many tasks as can be looked at, and no more.
  expect(s.sample()).toMatchObject({ io: 20, ctxt: 200 * 10_240, memory: 0, ioPressure: null });
});

it("of version 1 does, in several hierarchies", () => {
  const controllers = ["cpu", "cpuacct", "memory", "blkio"];
  k.groupFiles["/proc/self/mountinfo"] = controllers
    .map((name, n) => `3${n} 31 0:2${n} / ${k.root}/cg/${name} rw - cgroup cgroup rw,${name}`)
    .join("\n");
  k.groupFiles["/proc/self/cgroup"] = controllers.map((name, n) => `${n + 1}:${name}:/lab/h1`).join("\n");
  const state = (usedNs: number, bytes: number, faults: number) => {
    k.cg("cpu/lab/h1/cpu.cfs_quota_us", "10000\n");
    k.cg("cpu/lab/h1/cpu.cfs_period_us", "20000\n");
    k.cg("cpuacct/lab/h1/cpuacct.usage", `${usedNs}\n`);
    k.cg("memory/lab/h1/memory.limit_in_bytes", `${256 * 2 ** 20}\n`);
    k.cg("memory/lab/h1/memory.usage_in_bytes", `${200 * 2 ** 20}\n`);
    k.cg(
      "memory/lab/h1/memory.stat",
      `pgfault 7\ntotal_inactive_file 0\ntotal_active_file 0\ntotal_pgfault ${faults}\n`,
    );
    k.cg(
      "blkio/lab/h1/blkio.throttle.io_service_bytes_recursive",
      `254:0 Read ${bytes}\n254:0 Total ${bytes}\n8:0 Total ${bytes}\nTotal ${2 * bytes}\n`,
    );
  };
  const task = (pid: number, ranNs: number, waitedNs: number, switches: number, moved: string) => {
    k.put(`proc/${pid}/task/${pid}/schedstat`, `${ranNs} ${waitedNs} ${switches}\n`);
    k.put(`proc/${pid}/io`, moved);
  };
  const moved = (read: number, written: number, cancelled: number) =>
    `rchar: 9999\nread_bytes: ${read}\nwrite_bytes: ${written}\ncancelled_write_bytes: ${cancelled}\n`;
  k.cg("cpu/lab/h1/cgroup.procs", "80\n81\n");
  k.put("cg/cpu/lab/h1/cgroup.procs", "80\n81\n");
  task(80, 0, 0, 10, moved(0, 0, 0));
  task(81, 0, 0, 10, "");
  state(0, 0, 0);
  const s = k.sampler();
  expect(s.world.words).toBe("control group /lab/h1: 0.5 CPUs, 256 MiB");
  state(1e8, 10_240, 33);
  k.now += 1000;
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
  k.now += 1000;
  expect(s.sample()).toMatchObject({ io: 100, ctxt: 25 });
  // A process went away with what it had counted.
  k.put("cg/cpu/lab/h1/cgroup.procs", "81\n");
  k.now += 1000;
  expect(s.sample()).toMatchObject({ io: 0, ctxt: 0 });
});

it("wants the CPU time that others kept it from, and no more than they used", () => {
  k.groupFiles["/proc/self/mountinfo"] = `32 31 0:29 / ${k.root}/cg rw - cgroup2 cgroup2 rw`;
  k.groupFiles["/proc/self/cgroup"] = "0::/box";
  k.groupFiles[join(k.root, "cg/box/cpu.max")] = "100000 100000\n";
  k.put("cg/box/cgroup.procs", "90\n");
  const state = (usedMs: number, waitedMs: number, machineTicks: number) => {
    k.cg("box/cpu.stat", `usage_usec ${usedMs * 1000}\n`);
    k.put("proc/90/task/90/schedstat", `${usedMs * 1e6} ${waitedMs * 1e6} ${usedMs + 1}\n`);
    k.put("proc/90/stat", `90 (gcc) S 1 90 90 0 -1 4194304 1 2 3 4 ${usedMs / 20} 0 0 0 20 0 1 0 5\n`);
    k.machine({ cpu: `${machineTicks} 0 0 0 0 0 0 0 0 0` });
  };
  state(0, 0, 0);
  const s = k.sampler();
  s.sample([90]);
  const second = (usedMs: number, waitedMs: number, machineTicks: number) => {
    state(usedMs, waitedMs, machineTicks);
    k.now += 1000;
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
