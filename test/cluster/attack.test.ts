import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Asker } from "../../src/cli/bench/asking.js";
import { agreed, EVERY_MS, settled } from "../../src/cli/bench/failover.js";
import { flood, withIntruder } from "../../src/cli/bench/flood.js";
import { forge } from "../../src/cli/bench/forged.js";
import { Sender } from "../../src/cli/bench/traffic.js";
import { ready, statusOf } from "../../src/cli/demo/ready.js";
import type { Host } from "../../src/lab/host.js";
import type { Lab } from "../../src/lab/lab.js";
import { until } from "../../src/lab/wait.js";
import { typeNumbers } from "../../src/wire/body.js";
import { Capture } from "./capture.js";
import { FREE_GROUP, LEADER_GROUP, missing } from "./cluster.js";
import { epochsFallen, parts } from "./trouble.js";

const FORGED = 20 * Object.keys(typeNumbers).length;

describe.skipIf(missing !== "")("someone on the network without the key", () => {
  let lab: Lab;
  let sender: Sender;
  let hosts: readonly Host[] = [];
  beforeAll(async () => {
    sender = new Sender();
    lab = await withIntruder();
    hosts = lab.hosts.slice(0, -1);
  });
  afterAll(async () => {
    await lab.down();
    sender.remove();
  });

  const leader = (): Promise<Host> => until("one leader", () => agreed(hosts), { ms: 20_000, every: 50 });
  const rejected = async (host: Host, why: string): Promise<number> =>
    (await statusOf(host))?.counters[`rejected ${why}`] ?? 0;
  const send = (datagrams: readonly Buffer[], to: string): Promise<unknown> =>
    sender.send(lab.host("intruder"), datagrams, { to, seconds: 5, pace: { rate: 2000 } });

  /** Who leads since when, what every host has seen happen, and the leader's table as far as nobody's work changes it. */
  async function world(): Promise<unknown> {
    const chief = await leader();
    const { hosts: rows } = await chief.ask("hosts");
    const table = rows.map(({ host, address, slotsTotal, slotsFree, compat }) =>
      [host, address, slotsTotal, slotsFree, compat].join(" "),
    );
    const all = await Promise.all(hosts.map(statusOf));
    const said = all.map((one) => `${one?.role} ${one?.leader} ${one?.epoch} ${one?.leasesHeld}`);
    return { table: table.sort(), said, seen: hosts.map((host) => parts(host).length) };
  }

  /** Real traffic, as the leader hears it: requests, grants, reports, adverts. */
  async function captured(chief: Host): Promise<Buffer[]> {
    const capture = await Capture.start(chief);
    const askers = hosts.map((host) => new Asker(host, EVERY_MS));
    try {
      const kinds = ["request", "grant", "release", "available", "advert"];
      await until("all kinds of datagrams", () => {
        const seen = new Set(capture.all.map(({ type }) => type));
        return kinds.every((kind) => seen.has(kind)) && capture.all.length > 200;
      });
      await settled(askers);
    } finally {
      for (const one of askers) one.stop();
      await capture.stop();
    }
    await until("every lease to be given back", async () => {
      const all = await Promise.all(hosts.map(statusOf));
      return all.every((one) => one?.leasesHeld === 0);
    });
    return capture.all.map(({ data }) => data);
  }

  it("changes nothing but a counter with forged datagrams of every type", async () => {
    const chief = await leader();
    const [sample] = await captured(chief);
    const before = await world();
    for (const [to, members] of [
      [LEADER_GROUP, [chief]],
      [FREE_GROUP, hosts],
      [chief.address, [chief]],
    ] as const) {
      const counts = await Promise.all(members.map((host) => rejected(host, "mac")));
      await send(forge(lab, FORGED, sample), to);
      for (const [i, host] of members.entries()) {
        const all = (counts[i] ?? 0) + FORGED;
        await until(`${host.name} to reject all`, async () => (await rejected(host, "mac")) >= all);
        expect(await rejected(host, "mac")).toBe(all);
      }
    }
    expect(await world()).toEqual(before);
  });

  it("changes nothing but counters with what it captured, also after the receiver's restart", async () => {
    const chief = await leader();
    const traffic = await captured(chief);
    const before = await world();
    const replayed = await rejected(chief, "replay");
    for (const to of [LEADER_GROUP, FREE_GROUP, chief.address]) await send(traffic, to);
    expect(await rejected(chief, "replay")).toBeGreaterThan(replayed + traffic.length / 2);
    expect(await world()).toEqual(before);

    process.kill(chief.daemon ?? 0, "SIGKILL");
    await until("what was captured to be older than a start may be", () => chief.daemon === undefined);
    const others = hosts.filter((host) => host !== chief);
    await until("another leader", () => agreed(others), { ms: 20_000, every: 50 });
    await chief.startDaemon();
    await ready({ hosts });
    const [later, old] = [await world(), await rejected(chief, "time")];
    for (const to of [FREE_GROUP, chief.address]) await send(traffic, to);
    await until(
      "all of it to be rejected for its date",
      async () => (await rejected(chief, "time")) >= old + 2 * traffic.length,
    );
    expect(await world()).toEqual(later);
  });

  it.each(["leader", "free", "unicast"] as const)(
    "changes nothing with a flood, while slots are granted (%s)",
    async (at) => {
      const { rate, asked, same } = await flood(lab, sender, at, 3);
      expect(rate).toBeGreaterThan(5000);
      expect(same).toBe(true);
      // How many depends on what the one who floods leaves of this machine's CPUs: make bench tells.
      expect(asked.filter(({ outcome }) => outcome === "granted").length).toBeGreaterThan(0);
      const took = asked.map(({ askedAt, answeredAt }) => answeredAt - askedAt);
      expect(Math.max(...took)).toBeLessThan(2000);
      expect(epochsFallen(hosts)).toEqual([]);
    },
  );
});
