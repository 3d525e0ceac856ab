/** Hosts that multicast does not reach (each has groups of its own) find each other by seeds, on loopback addresses. */
import { type ChildProcess, spawn } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Client, TestCluster, type TestHost, until } from "./hosts.js";

const cluster = new TestCluster();
const names = ["a", "b", "c", "d"];
const addresses = names.map((_, n) => `127.0.0.${2 + n}`);

function settings(n: number, groups: number) {
  const lines = [
    `leader_group = "239.255.${groups}.1"`,
    `free_group = "239.255.${groups}.2"`,
    // One list for all, with a seed that has never been there.
    `seeds = ["127.0.0.2", "127.0.0.3:${cluster.port}", "127.0.0.99"]`,
  ];
  return { interface: addresses[n] ?? "", network: lines.join("\n") };
}

const hosts = names.map((name, n) => cluster.host(name, settings(n, 100 + n)));
const [a, b, c, d] = hosts as [TestHost, TestHost, TestHost, TestHost];

const agreed = async (some: readonly TestHost[]): Promise<string> => {
  const leaders = new Set(await Promise.all(some.map(async (host) => (await host.status()).leader)));
  const [leader = ""] = leaders;
  return leaders.size === 1 ? leader : "";
};

async function granted(from: TestHost, without: string[] = []): Promise<string> {
  const client = await Client.connect(from);
  try {
    return await until(`a grant for ${from.name}`, async () => (await client.request(1, without))[0]?.host);
  } finally {
    client.close();
  }
}

beforeAll(async () => {
  await Promise.all(hosts.map((host) => host.start()));
});
const hogs: ChildProcess[] = [];
afterAll(async () => {
  for (const hog of hogs) hog.kill("SIGKILL");
  await cluster.close();
});

test("a cluster forms, and any host leads it and is granted", async () => {
  await until("one leader", () => agreed(hosts));
  for (const host of hosts) expect(await granted(host)).not.toBe(host.name);
});

test("status says by which way, and how many seeds answer; a host is no seed to itself", async () => {
  const words = async (host: TestHost) => (await host.status()).network;
  await until("a's verdict", async () => (await words(a)).includes("does not reach"));
  expect(await words(a)).toMatch(
    /^1 of 2 seeds, since multicast does not reach this host \(lo 127\.0\.0\.2\); a seed for 3 hosts$/,
  );
  await until("c's verdict", async () => (await words(c)).includes("does not reach"));
  expect(await words(c)).toBe("2 of 3 seeds, since multicast does not reach this host (lo 127.0.0.4)");
});

test("a busy host that is no seed receives nothing but JOINED and what it asks for", async () => {
  const follower = (await agreed(hosts)) === "c" ? d : c;
  const n = names.indexOf(follower.name);
  // Above 1 % for as long as it takes, however idle the machine is.
  const hog = spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" });
  hogs.push(hog);
  follower.configure(cluster.config(follower.name, { ...settings(n, 100 + n), cpu: 1 }));
  follower.child?.kill("SIGHUP");
  await until("busy", async () => (await follower.status()).role === "busy");
  const received = async () =>
    Object.entries((await follower.status()).counters).filter(([what]) => /^(received|rejected)/.test(what));
  const others = async () => (await received()).filter(([what]) => what !== "received joined");
  const joined = async () => (await follower.status()).counters["received joined"] ?? 0;
  const [before, start] = [await others(), await joined()];
  await until("two more rounds of JOIN", async () => (await joined()) >= start + 4);
  expect(await others()).toEqual(before);
  follower.configure(cluster.config(follower.name, settings(n, 100 + n)));
  follower.child?.kill("SIGHUP");
  hog.kill("SIGKILL");
  await until("free", async () => (await follower.status()).role !== "busy");
});

test("a seed is killed: the other one carries the cluster", async () => {
  await a.kill("SIGKILL");
  const rest = [b, c, d];
  await until("one leader among the rest", async () => !["", "a"].includes(await agreed(rest)));
  for (const host of rest) expect(["b", "c", "d"]).toContain(await granted(host, ["a"]));
  await until("it to be missed", async () => (await c.status()).network.startsWith("1 of 3 seeds"));
});

test("without any seed hosts run alone and say so, and find each other again", async () => {
  await b.kill("SIGKILL");
  await until("a warning", async () =>
    (await c.status()).warnings.some((line) => line.startsWith("none of 3 seeds answers")),
  );
  await Promise.all([a.start(), b.start()]);
  await until("one leader", () => agreed(hosts));
  expect((await c.status()).warnings).toEqual([]);
});

test("multicast is there after all: the seeds are left alone", async () => {
  for (const [n, host] of hosts.entries()) {
    host.configure(cluster.config(host.name, settings(n, 100)));
    host.child?.kill("SIGHUP");
  }
  // A host is sure when multicast has missed nobody whom the seeds passed on for 30 s (docs/protocol.md).
  const byMulticast = async () =>
    (await Promise.all(hosts.map((h) => h.status()))).every(({ network }) => network.startsWith("multicast"));
  await until("multicast", byMulticast, 90_000);
  const leaderName = await until("one leader", () => agreed(hosts));
  expect((await c.status()).network).toBe("multicast, lo 127.0.0.4; 2 of 3 seeds in reserve");
  const leader = hosts.find(({ name }) => name === leaderName) ?? a;
  const sent = async (what: string) => (await leader.status()).counters[`sent ${what}`] ?? 0;
  const relaysDuring = async (adverts: number) => {
    const [advert, relay] = [await sent("advert"), await sent("relay")];
    await until("ADVERTs", async () => (await sent("advert")) >= advert + adverts);
    return (await sent("relay")) - relay;
  };
  // Two seeds, one ADVERT in three seconds each, rather than every one.
  await until("fewer RELAYs", async () => (await relaysDuring(15)) < 10, 60_000);
}, 200_000);
