/** CPU load and quota as the kernel tells them, from files as they look on real hosts. */
import { expect, test } from "vitest";
import { nothingMeasured } from "../../src/core/indices.js";
import { LoadWatch } from "../../src/daemon/load-watch.js";
import { cpuQuota } from "../../src/io/cgroup.js";
import { usableCpus } from "../../src/io/cpu.js";
import { cpuPolicy } from "../sim/cpu-policy.js";

const machine = (files: Record<string, string>) => (file: string) => files[file] ?? null;

test("no quota anywhere", () => {
  expect(cpuQuota(machine({}))).toBeNull();
  const files = {
    "/proc/self/mountinfo": "32 31 0:29 / /cg rw - cgroup2 cgroup2 rw",
    "/proc/self/cgroup": "0::/user",
    "/cg/user/cpu.max": "max 100000",
  };
  expect(cpuQuota(machine(files))).toBeNull();
});

test("version 2: the tightest of the groups above", () => {
  const quota = cpuQuota(
    machine({
      "/proc/self/mountinfo": "32 31 0:29 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw",
      "/proc/self/cgroup": "0::/a/b",
      "/sys/fs/cgroup/a/b/cpu.max": "400000 100000\n",
      "/sys/fs/cgroup/a/cpu.max": "150000 100000\n",
      "/sys/fs/cgroup/a/cpu.stat": "usage_usec 42\nuser_usec 40\n",
    }),
  );
  expect(quota?.cpus).toBe(1.5);
  expect(quota?.usage).toEqual({ version: 2, file: "/sys/fs/cgroup/a/cpu.stat" });
});

test("version 2 in a container: the group is the root of what is mounted", () => {
  const quota = cpuQuota(
    machine({
      "/proc/self/mountinfo": "32 31 0:29 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw",
      "/proc/self/cgroup": "0::/docker/abc",
      "/sys/fs/cgroup/cpu.max": "50000 100000\n",
      "/sys/fs/cgroup/cpu.stat": "usage_usec 1\n",
    }),
  );
  expect(quota?.cpus).toBe(0.5);
  expect(usableCpus(quota)).toBe(1);
});

test("version 1, with accounting in a hierarchy of its own", () => {
  const quota = cpuQuota(
    machine({
      "/proc/self/mountinfo":
        "32 31 0:29 / /cg/cpu rw - cgroup cgroup rw,cpu\n33 31 0:30 / /cg/cpuacct rw - cgroup cgroup rw,cpuacct",
      "/proc/self/cgroup": "2:cpuacct:/lab/h1\n1:cpu:/lab/h1\n0::/",
      "/cg/cpu/lab/h1/cpu.cfs_quota_us": "10000\n",
      "/cg/cpu/lab/h1/cpu.cfs_period_us": "20000\n",
      "/cg/cpu/cpu.cfs_quota_us": "-1\n",
      "/cg/cpuacct/lab/h1/cpuacct.usage": "77\n",
    }),
  );
  expect(quota?.cpus).toBe(0.5);
  expect(quota?.usage).toEqual({ version: 1, file: "/cg/cpuacct/lab/h1/cpuacct.usage" });
});

test("the load watch averages slots over the interval and looks more often while any is taken", () => {
  let taken = 2;
  const settings = { intervalMs: 1000, slotsTotal: 2 };
  const watch = new LoadWatch(
    {
      sample: () => ({ ...nothingMeasured, cpu: 100 }),
      cpuSoFar: () => 100,
      slots: () => ({ taken, guests: taken }),
    },
    cpuPolicy(),
    settings,
    0,
  );
  const run = (from: number, to: number) => {
    for (let now = from; now <= to; now++) watch.tick(now, false);
  };
  run(0, 1200);
  expect(watch.wakeAt()).toBeLessThanOrEqual(1250);
  expect(watch.local(1200)).toMatchObject({ busy: false, free: 0, guests: 2 });
  taken = 0;
  run(1201, 1260);
  expect(watch.local(1260)).toMatchObject({ busy: false, free: 2, guests: 0, cpuPercent: 0 });
  run(1261, 2200);
  expect(watch.local(2200)).toMatchObject({ busy: true });
});

test("a host that is full of its own programs is sampled less often, until it is not, help is asked for or a slot taken", () => {
  let cpu = 100;
  let soFar: number | null = 100;
  let taken = 0;
  const settings = { intervalMs: 1000, slotsTotal: 2 };
  const glances: number[] = [];
  let now = 0;
  const cpuSoFar = () => {
    glances.push(now);
    return soFar;
  };
  const spared: boolean[] = [];
  const source = {
    sample: (_guests: number, _slots: number, sparing: boolean) => {
      spared.push(sparing);
      return { ...nothingMeasured, cpu };
    },
    cpuSoFar,
    slots: () => ({ taken, guests: 0 }),
  };
  const watch = new LoadWatch(source, cpuPolicy(), settings, 0);
  /** When it was sampled since the last call. */
  const until = (end: number): number[] => {
    const sampled: number[] = [];
    for (; now <= end; now++) if (watch.tick(now, false) === "sampled") sampled.push(now);
    return sampled;
  };
  expect(until(16_200)).toEqual([200, 1200, 2200, 3200, 4200, 16_200]);
  expect(watch).toMatchObject({ intervalMs: 12_000, spent: true });
  expect(glances).toEqual([8200, 12_200]);
  // Without what costs most, once it is known to be so full.
  expect(spared).toEqual([false, false, false, false, false, false, true]);
  // Nothing is looked at in between.
  expect(watch.wakeAt()).toBe(20_200);

  // Not full any more, or nobody knows: sampled at the next glance, in full, and as often as ever until it is full for long.
  soFar = 94;
  expect(until(24_300)).toEqual([20_200, 21_200, 22_200, 23_200, 24_200]);
  expect(spared.slice(-5)).toEqual([false, false, false, false, false]);
  soFar = null;
  expect(until(29_000)).toEqual([28_200]);
  cpu = 60;
  expect(until(30_500)).toEqual([29_200, 30_200]);
  expect(watch.spent).toBe(false);

  [cpu, soFar] = [100, 100];
  expect(until(40_000)).toEqual([31_200, 32_200, 33_200, 34_200, 35_200]);
  watch.attend();
  expect(watch.intervalMs).toBe(1000);
  expect(until(44_500)).toEqual([40_001, 41_001, 42_001, 43_001, 44_001]);
  expect(watch.spent).toBe(true);
  taken = 1;
  expect(until(49_500)).toEqual([48_001, 49_001]);
  taken = 0;
  cpu = 50;
  until(51_500);
  expect(watch.local(51_500)).toMatchObject({ busy: false });
});

test("programs that hold slots and use no CPU are counted, once they have held them for an interval", () => {
  let [cpu, taken, beside] = [0, 0, 0];
  const watch = new LoadWatch(
    {
      sample: () => ({ ...nothingMeasured, cpu }),
      cpuSoFar: () => cpu,
      slots: () => ({ taken, guests: 0, beside }),
    },
    cpuPolicy(),
    { intervalMs: 1000, slotsTotal: 4 },
    0,
  );
  const run = (from: number, to: number) => {
    for (let now = from; now < to; now++) watch.tick(now, false);
  };
  run(0, 700);
  // Perhaps they use all that there is, and it does not show yet.
  [taken, beside] = [4, 2];
  run(700, 2200);
  expect(watch.sleeping).toBe(0);
  run(2200, 3201);
  expect(watch.sleeping).toBe(6);
  // One computes, or two now and then.
  cpu = 25;
  run(3201, 4201);
  expect(watch.sleeping).toBe(4);
  cpu = 100;
  run(4201, 5201);
  expect(watch.sleeping).toBe(0);
  // Two end, and two others begin.
  [cpu, taken] = [0, 2];
  run(5201, 5701);
  taken = 4;
  run(5701, 6201);
  expect(watch.sleeping).toBe(4);
});
