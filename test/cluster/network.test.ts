import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { agreed } from "../../src/cli/bench/failover.js";
import { statusOf } from "../../src/cli/demo/ready.js";
import type { Host } from "../../src/lab/host.js";
import type { Lab } from "../../src/lab/lab.js";
import { until } from "../../src/lab/wait.js";
import { cluster } from "./cluster.js";
import { deaf, epochsFallen, lossy, sentBy, untroubled } from "./trouble.js";

/** Longest time from the end of a trouble until all agree. */
const AGREED_MS = 5000;

describe.skipIf(untroubled !== "")("six hosts on a network in trouble", () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await cluster({ hosts: 6, settings: { load: { cpu: 100 } } });
  });
  afterEach(async () => {
    expect(epochsFallen(lab.hosts)).toEqual([]);
    await Promise.all(lab.hosts.map((host) => deaf(host)));
  });
  afterAll(() => lab.down());

  const oneLeader = (hosts: readonly Host[] = lab.hosts): Promise<Host> =>
    until(`one leader of ${hosts.map(({ name }) => name).join(", ")}`, () => agreed(hosts), {
      ms: AGREED_MS,
      every: 50,
    });
  const without = (host: Host): Host[] => lab.hosts.filter((one) => one !== host);
  const lose = (percent: number): Promise<unknown> =>
    Promise.all(lab.hosts.map((host) => deaf(host, ...(percent > 0 ? [lossy(percent)] : []))));

  describe.each([0, 10])("that loses %i percent of all datagrams", (percent) => {
    it("agree when the leader's cable was pulled and is put in again", async () => {
      await lose(percent);
      const leader = await oneLeader();
      leader.cut();
      try {
        expect(await oneLeader(without(leader))).not.toBe(leader);
        await until("the leader to have lost its network", async () => {
          const status = await statusOf(leader);
          return status?.network.includes("no network");
        });
      } finally {
        leader.heal();
      }
      await oneLeader();
    });

    it("agree when two halves that did not hear each other do so again", async () => {
      const halves = [lab.hosts.slice(0, 3), lab.hosts.slice(3)] as const;
      await lose(percent);
      await oneLeader();
      const loss = percent > 0 ? [lossy(percent)] : [];
      await Promise.all(halves[0].map((host) => deaf(host, sentBy(halves[1]), ...loss)));
      await Promise.all(halves[1].map((host) => deaf(host, sentBy(halves[0]), ...loss)));
      const leaders = [await oneLeader(halves[0]), await oneLeader(halves[1])];
      expect(leaders[0]).not.toBe(leaders[1]);
      await lose(percent);
      await oneLeader();
    });

    it("keep their leader when another host hears nothing, and agree when it does", async () => {
      await lose(percent);
      const leader = await oneLeader();
      const other = without(leader)[0] ?? leader;
      const { epoch = 0 } = (await statusOf(leader)) ?? {};
      const claims = async (): Promise<number> => (await statusOf(other))?.counters["sent claim"] ?? 0;
      const before = await claims();
      await deaf(other, "counter");
      await until(
        "the deaf host to claim twice",
        async () => {
          expect(await oneLeader(without(other))).toBe(leader);
          expect((await statusOf(leader))?.epoch).toBe(epoch);
          return (await claims()) >= before + 2;
        },
        { every: 50 },
      );
      await lose(percent);
      await oneLeader();
    });
  });

  it("have another leader when theirs hears nothing any more", async () => {
    const leader = await oneLeader();
    await deaf(leader, "counter");
    await until(
      "another leader",
      async () => {
        const next = await agreed(without(leader));
        return next !== undefined && next !== leader;
      },
      { ms: 30_000, every: 50 },
    );
    await deaf(leader);
    await oneLeader();
  });
});
