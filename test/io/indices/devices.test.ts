/** Disks and network interfaces that come, go and begin again. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { card, disk, kernel } from "./kernel.js";

const k = kernel();

it("has no spike when disks, cards and CPUs come and go", () => {
  const s = k.sampler();
  k.machine({
    disks: [disk("vda", 200, 0, 10), disk("sdb", 9_000_000, 9_000_000, 900_000)],
    net: [card("eth0", 1024, 1, 0, 0), card("eth1", 9e12, 9e9, 0, 0)],
  });
  k.now += 1000;
  expect(s.sample()).toMatchObject({ io: 100, diskBusy: 1, net: 1, netPackets: 1 });
  k.machine({
    disks: [disk("sdb", 9_000_400, 9_000_000, 900_100)],
    net: [card("eth1", 9e12 + 2048, 9e9 + 2, 0, 0)],
  });
  k.now += 1000;
  expect(s.sample()).toMatchObject({ io: 200, diskBusy: 10, net: 2, netPackets: 2 });
  // A CPU was taken out with all it had counted.
  k.machine({ cpu: "1 0 0 2 0 0 0 0 0 0", disks: [], net: [] });
  k.now += 1000;
  const sample = s.sample();
  expect(sample.cpu).toBeGreaterThanOrEqual(0);
  expect(sample.cpu).toBeLessThanOrEqual(100);
  expect(sample).toMatchObject({ io: null, diskBusy: null, net: null });
});

it("has no spike when a disk or card begins again at nothing, and follows one counter that wraps alone", () => {
  const billions = 3_000_000_000;
  k.machine({
    disks: [disk("vda", billions, 0, billions), disk("sdb", 10, 0, 2 ** 32 - 100)],
    net: [card("eth0", billions, billions, 0, 0), card("eth1", 2 ** 32 - 1024, 5, 0, 0)],
  });
  const s = k.sampler();
  k.machine({
    disks: [disk("vda", 90, 0, 8), disk("sdb", 110, 0, 200)],
    net: [card("eth0", 4096, 4, 0, 0), card("eth1", 1024, 7, 0, 0)],
  });
  k.now += 1000;
  expect(s.sample()).toMatchObject({ io: 50, diskBusy: 30, net: 2, netPackets: 2 });
});

it("counts hardware only, where there is any", () => {
  mkdirSync(join(k.root, "sys/class/net/eth0/device"), { recursive: true });
  const s = k.sampler();
  k.machine({
    net: [card("eth0", 1024, 1, 1024, 1), card("br0", 4096, 4, 0, 0), card("veth1", 4096, 4, 0, 0)],
  });
  k.now += 1000;
  expect(s.sample()).toMatchObject({ net: 2, netPackets: 2 });
});
