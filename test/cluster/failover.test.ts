import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Asker } from "../../src/cli/bench/asking.js";
import { agreed, EVERY_MS, failOver, settled } from "../../src/cli/bench/failover.js";
import type { Host } from "../../src/lab/host.js";
import type { Lab } from "../../src/lab/lab.js";
import { until } from "../../src/lab/wait.js";
import { cluster, joined, LEADER_GROUP, missing } from "./cluster.js";
import { epochsFallen, parts } from "./trouble.js";

const KILLS = 4;
/** Longest time from the end of a trouble until all agree. */
const AGREED_MS = 5000;
/** A role is logged, and seen here, so much apart from the group's joining. */
const APART_MS = 200;

/** When which host was a member of the leader group. */
class Memberships {
  readonly seen: { readonly host: Host; readonly at: number }[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(hosts: readonly Host[]) {
    this.#timer = setInterval(() => {
      for (const host of hosts) if (joined(host, LEADER_GROUP)) this.seen.push({ host, at: Date.now() });
    }, 20);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Whether a host led or claimed to, by its log, near a time. */
function ledAt(host: Host, when: number): boolean {
  const all = parts(host);
  return all.some(({ role, at }, i) => {
    const next = all[i + 1]?.at ?? Number.POSITIVE_INFINITY;
    const leads = role === "leader" || role === "candidate";
    return leads && at - APART_MS <= when && when <= next + APART_MS;
  });
}

describe.skipIf(missing !== "")("eight hosts that are asked for slots all the time", () => {
  let lab: Lab;
  let askers: Asker[] = [];
  beforeAll(async () => {
    lab = await cluster({ hosts: 8, settings: { load: { cpu: 100 }, slots: { total: 2 } } });
    askers = lab.hosts.map((host) => new Asker(host, EVERY_MS));
  });
  afterAll(async () => {
    for (const one of askers) one.stop();
    await lab.down();
  });

  it("grant again within moments of the leader's death, and answer every request", async () => {
    const memberships = new Memberships(lab.hosts);
    const all: number[] = [];
    try {
      while (all.length < KILLS) all.push((await failOver(lab, askers)).firstMs);
    } finally {
      memberships.stop();
    }
    all.sort((a, b) => a - b);
    expect(all[all.length >> 1]).toBeLessThan(2000);
    expect(memberships.seen.length).toBeGreaterThan(100);
    const strange = memberships.seen.filter(({ host, at }) => !ledAt(host, at));
    expect(
      strange.map(({ host, at }) => `${host.name} at ${at} was in the leader group, and did not lead`),
    ).toEqual([]);
  });

  it.each([3, 20])("agree on one leader when the one that stood still for %i s goes on", async (seconds) => {
    const leader = await until("one leader", () => agreed(lab.hosts), { ms: AGREED_MS, every: 50 });
    const others = askers.filter(({ host }) => host !== leader);
    const pid = leader.daemon ?? 0;
    process.kill(pid, "SIGSTOP");
    try {
      const stoppedAt = performance.now();
      const granted = ({ answers }: Asker): boolean =>
        answers.some(({ askedAt, outcome }) => askedAt > stoppedAt && outcome === "granted");
      await until("the others to grant again", () => others.every(granted), { ms: AGREED_MS });
      await sleep(seconds * 1000 - (performance.now() - stoppedAt));
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await until("one leader", () => agreed(lab.hosts), { ms: AGREED_MS, every: 50 });
  });

  it("left no request without an answer, and no epoch fell", async () => {
    const counts = await settled(askers);
    expect(counts.get("granted")).toBeGreaterThan(0);
    expect(epochsFallen(lab.hosts)).toEqual([]);
  });
});
