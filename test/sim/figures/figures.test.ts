import { describe, expect, it } from "vitest";
import { failovers } from "./failover.js";
import { herd } from "./herd.js";
import { rates } from "./rates.js";
import { median, quantile } from "./stats.js";

describe("when the leader is killed", () => {
  it.each([
    { hosts: 10, loss: 0, kills: 100 },
    { hosts: 10, loss: 0.1, kills: 100 },
    { hosts: 100, loss: 0.1, kills: 40 },
    { hosts: 1000, loss: 0.1, kills: 4 },
  ])("a host is granted again within moments: $hosts hosts, loss $loss", ({ hosts, loss, kills }) => {
    const runs = failovers({ hosts, loss, seed: 7 }, kills);
    for (const waits of [runs.map((run) => run.free), runs.map((run) => run.busy)]) {
      expect(median(waits)).toBeLessThanOrEqual(1500);
      expect(quantile(waits, 0.99)).toBeLessThanOrEqual(3000);
    }
    expect(Math.max(...runs.map((run) => run.agree))).toBeLessThanOrEqual(5000);
  });

  it("few hosts claim, however many could", () => {
    const runs = failovers({ hosts: 1000, seed: 3 }, 4);
    expect(Math.max(...runs.map((run) => run.claims))).toBeLessThanOrEqual(30);
  });
});

describe("datagrams", () => {
  it("at a resting leader grow more slowly than the cluster, and none reaches a busy host", () => {
    const at = (hosts: number) => rates({ hosts, seed: 5, jobsPerSecond: 0, settleMs: 25_000, seconds: 20 });
    const [small, large] = [at(100), at(1000)];
    expect(small.unsolicited + large.unsolicited).toBe(0);
    expect(small.busy.received + large.busy.received).toBe(0);
    expect(large.leader.received).toBeLessThan(5 * small.leader.received);
  });

  it("of a cluster under jobs reach a busy host only as answers", () => {
    const under = rates({ hosts: 100, seed: 5, jobsPerSecond: 1000, settleMs: 5000, seconds: 5 });
    expect(under.requests).toBeGreaterThan(0);
    expect(under.busy.received).toBeGreaterThan(0);
    expect(under.unsolicited).toBe(0);
  });
});

describe("a herd at 80 % load", () => {
  it.each(["shim", "away"] as const)("is refused seldom and waits little: %s", (placement) => {
    const run = herd({ seed: 2, hosts: 100, load: 0.8, seconds: 30, placement });
    expect(run.far).toBeGreaterThan(20);
    expect(run.refused).toBeLessThanOrEqual(2);
    expect(run.responseMs).toBeLessThanOrEqual(1.15 * run.omniscientMs);
  });

  it("has far more refusals where hosts are chosen without leases", () => {
    const run = herd({ seed: 2, hosts: 100, load: 0.8, seconds: 10, placement: "reports" });
    expect(run.refused).toBeGreaterThan(20);
  });
});
