import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Asker } from "../../src/cli/bench/asking.js";
import { agreed, EVERY_MS, failOver, settled } from "../../src/cli/bench/failover.js";
import { statusOf } from "../../src/cli/demo/ready.js";
import type { Host } from "../../src/lab/host.js";
import type { Lab } from "../../src/lab/lab.js";
import { until } from "../../src/lab/wait.js";
import { cluster, FREE_GROUP, LEADER_GROUP, missing } from "./cluster.js";
import { deaf, untroubled } from "./trouble.js";

const NO_MULTICAST = `ip daddr { ${LEADER_GROUP}, ${FREE_GROUP} }`;
const SILENT = "since multicast does not reach this host";

describe.skipIf(untroubled !== "")("hosts that multicast no longer reaches, with two seeds", () => {
  let lab: Lab;
  let askers: Asker[] = [];
  beforeAll(async () => {
    const settings = { load: { cpu: 100 }, network: { seeds: ["n1", "n2"] } };
    lab = await cluster({ hosts: 4, settings });
    askers = lab.hosts.map((host) => new Asker(host, EVERY_MS));
  });
  afterAll(async () => {
    for (const one of askers) one.stop();
    await lab.down();
  });

  const networks = (): Promise<string[]> =>
    Promise.all(lab.hosts.map(async (host) => (await statusOf(host))?.network ?? ""));
  const granted = (hosts: readonly Host[], since: number): boolean =>
    askers
      .filter(({ host }) => hosts.includes(host))
      .every(({ answers }) =>
        answers.some(({ askedAt, outcome }) => askedAt > since && outcome === "granted"),
      );

  it("find it out, say so, and go on by the seeds, also when the leader dies", async () => {
    await until("multicast to be heard everywhere", async () =>
      (await networks()).every((words) => words.startsWith("multicast, eth0")),
    );
    await Promise.all(lab.hosts.map((host) => deaf(host, NO_MULTICAST)));
    await until(
      "all hosts to say that they use the seeds",
      async () => (await networks()).every((words) => words.includes(SILENT)),
      { ms: 20_000, every: 100 },
    );
    await until("one leader by the seeds", () => agreed(lab.hosts), { ms: 10_000, every: 50 });
    const since = performance.now();
    await until("every host to be granted a slot by the seeds", () => granted(lab.hosts, since));
    await failOver(lab, askers);
  });

  it("go back to multicast when it is let through again", async () => {
    await Promise.all(lab.hosts.map((host) => deaf(host)));
    await until(
      "all hosts to say that multicast works",
      async () => (await networks()).every((words) => words.startsWith("multicast, eth0")),
      { ms: 50_000, every: 200 },
    );
    await until("one leader", () => agreed(lab.hosts), { every: 50 });
    expect((await settled(askers)).get("granted")).toBeGreaterThan(0);
  });
});

describe.skipIf(missing !== "")("hosts that speak IPv6", () => {
  let lab: Lab;
  let askers: Asker[] = [];
  beforeAll(async () => {
    const network = { leader_group: "ff15::7701", free_group: "ff15::7702" };
    lab = await cluster({ hosts: 3, settings: { load: { cpu: 100 }, network } });
    askers = lab.hosts.map((host) => new Asker(host, EVERY_MS));
  });
  afterAll(async () => {
    for (const one of askers) one.stop();
    await lab.down();
  });

  it("find each other, grant, and elect another leader when theirs dies", async () => {
    await failOver(lab, askers);
    for (const host of lab.hosts) expect((await statusOf(host))?.network).toMatch(/^multicast, eth0 .*:/);
  });

  it("agree when the leader's cable was pulled and is put in again", async () => {
    const leader = await until("one leader", () => agreed(lab.hosts), { every: 50 });
    leader.cut();
    const others = lab.hosts.filter((host) => host !== leader);
    await until("another leader", () => agreed(others), { every: 50 });
    leader.heal();
    // The kernel itself takes a second or two until it is sure that nobody else has its address.
    await until("one leader again", () => agreed(lab.hosts), { ms: 10_000, every: 50 });
    expect((await settled(askers)).get("granted")).toBeGreaterThan(0);
  });
});
