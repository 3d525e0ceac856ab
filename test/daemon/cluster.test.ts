/** Three real daemons on loopback: who leads, who is granted what, and what happens when one goes. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isFresh } from "../../src/io/layout.js";
import { native } from "../../src/io/native.js";
import { Client, compatHere, TestCluster, type TestHost, until } from "./hosts.js";

const cluster = new TestCluster();
const hosts = ["a", "b", "c"].map((name) => cluster.host(name));

const statuses = () =>
  Promise.all(hosts.filter((host) => host.child?.exitCode === null).map((h) => h.status()));

/** The one leader that all agree on. */
async function agreedLeader(): Promise<TestHost | undefined> {
  const all = await statuses();
  const [name, ...others] = new Set(all.map((status) => status.leader));
  return others.length === 0 && name ? hosts.find((host) => host.name === name) : undefined;
}

const someFollower = async (): Promise<TestHost> => {
  const leader = await until("a leader", agreedLeader);
  const follower = hosts.find((host) => host !== leader);
  if (!follower) throw new Error("no follower");
  return follower;
};

beforeAll(async () => {
  await Promise.all(hosts.map((host) => host.start()));
});
afterAll(() => cluster.close());

test("one leader emerges, and every host knows it", async () => {
  const leader = await until("a leader", agreedLeader, 3000);
  const all = await statuses();
  expect(all.filter(({ role }) => role === "leader").map(({ host }) => host)).toEqual([leader.name]);
  expect(all.every(({ epoch }) => epoch === all[0]?.epoch)).toBe(true);
});

test("the state record is fresh, and says that this host is free and others are worth asking", async () => {
  for (const host of hosts) {
    const state = await until("a record", () => host.state());
    expect(isFresh(state, native.bootTimeNs())).toBe(true);
    expect(state).toMatchObject({ busy: false, remote: true, slotsTotal: 2, pid: host.child?.pid });
  }
});

test("slots of other hosts are granted once each, and again after release", async () => {
  const client = await Client.connect(await someFollower());
  const leases = await until("four slots", async () => {
    const some = await client.request(12);
    if (some.length < 4) client.send({ t: "release", leases: some.map(({ id }) => id) });
    return some.length === 4 ? some : null;
  });
  expect(new Set(leases.map(({ id }) => id)).size).toBe(4);
  expect(await client.request(1)).toEqual([]);
  client.send({ t: "release", leases: leases.map(({ id }) => id) });
  const again = await until("a slot", async () => (await client.request(1))[0]);
  expect(again.lifeMs).toBeGreaterThan(1000);
  client.close();
});

test("a client that disconnects gives its leases back; the leader's own host can ask too", async () => {
  const leader = await until("a leader", agreedLeader);
  const client = await Client.connect(leader);
  await until("every other slot", async () => (await client.request(4)).length > 0);
  client.close();
  const second = await Client.connect(leader);
  const leases = await until("all four slots", async () => {
    const some = await second.request(4);
    if (some.length < 4) second.send({ t: "release", leases: some.map(({ id }) => id) });
    return some.length === 4 ? some : null;
  });
  expect(leases.map(({ host }) => host)).not.toContain(leader.name);
  second.close();
});

test("what was asked for is what is offered: excluded hosts, other machines", async () => {
  const follower = await someFollower();
  const client = await Client.connect(follower);
  const others = hosts.filter((host) => host !== follower).map((host) => host.name);
  const [first = "", second = ""] = others;
  const [lease] = await until("a grant", async () => {
    const some = await client.request(1, [first]);
    return some.length > 0 ? some : null;
  });
  expect(lease?.host).toBe(second);
  expect(await client.request(1, others)).toEqual([]);
  expect(await client.request(1, [], "sparc64-glibc")).toEqual([]);
  client.close();
});

test("a refusal is in the state record until it is worth asking again", async () => {
  const follower = await someFollower();
  const client = await Client.connect(follower);
  expect(await client.request(1, [], "vax-libc")).toEqual([]);
  const state = await until("remote to be denied", () => {
    const record = follower.state();
    return record?.remote === false ? record : null;
  });
  expect(state.remoteAfterNs).toBeGreaterThan(state.writtenNs);
  client.close();
});

test("the leader's table can be seen from anywhere", async () => {
  const client = await Client.connect(await someFollower());
  const view = await client.ask({ t: "hosts", id: 7 });
  expect(view).toMatchObject({ t: "hosts", leader: (await agreedLeader())?.name });
  const rows = view.t === "hosts" ? view.hosts : [];
  expect(rows.map((row) => row.host).sort()).toEqual(["a", "b", "c"]);
  for (const row of rows) {
    expect(row).toMatchObject({ address: "127.0.0.1", slotsTotal: 2, compat: compatHere, note: "" });
  }
  client.close();
});

test("lines that make no sense are answered, and the connection goes on", async () => {
  const client = await Client.connect(hosts[0] as TestHost);
  for (const line of [
    "{",
    "[]",
    '{"t":"what"}',
    '{"t":"request","id":5,"count":0,"compat":"x","exclude":[]}',
  ]) {
    const reply = client.next(({ t }) => t === "error");
    client.raw(line);
    await reply;
  }
  expect(client.received.at(-1)).toMatchObject({ t: "error", id: 5 });
  expect(await client.ask({ t: "status", id: 6 })).toMatchObject({ t: "status" });
  client.close();
});

test("another key, another cluster: nothing is granted, and a counter says why", async () => {
  const key = cluster.writeKey("other-key", randomBytes(32).toString("hex"));
  const stranger = cluster.host("stranger", { key });
  await stranger.start();
  const client = await Client.connect(stranger);
  expect(await client.request(1)).toEqual([]);
  const leader = await until("a leader", agreedLeader);
  await until("the counter", async () => (await leader.status()).counters["rejected key"]);
  client.close();
  expect(await stranger.kill("SIGTERM")).toBe(0);
});

test("a busy host leaves both groups, and comes back; a new threshold needs no restart", async () => {
  const follower = await someFollower();
  const hog = spawn(process.execPath, ["-e", "for(;;);"]);
  try {
    follower.configure(cluster.config(follower.name, { cpu: 10 }));
    follower.child?.kill("SIGHUP");
    const busy = await until("busy", async () => {
      const status = await follower.status();
      return status.busy ? status : null;
    });
    expect(busy).toMatchObject({ role: "busy" });
    expect(busy.why).toMatch(/^cpu: \d+ % \(threshold 10 %\)$/);
    expect(follower.state()).toMatchObject({ busy: true, index: 1, indexThreshold: 1000 });
    const before = (await follower.status()).counters["received advert"];
    const sent = async () =>
      (await Promise.all(hosts.map((h) => h.status()))).reduce(
        (n, s) => n + (s.counters["sent advert"] ?? 0),
        0,
      );
    const start = await sent();
    await until("three more ADVERTs", async () => (await sent()) >= start + 3);
    expect((await follower.status()).counters["received advert"]).toBe(before);
  } finally {
    hog.kill("SIGKILL");
  }
  follower.configure(cluster.config(follower.name, {}));
  follower.child?.kill("SIGHUP");
  await until("free again", async () => (await follower.status()).role === "free");
});

test("a configuration that is wrong is refused on SIGHUP, and the old one stays", async () => {
  const [host] = hosts;
  if (!host) throw new Error("no host");
  host.configure("[slots]\ntotal = -1\n");
  host.child?.kill("SIGHUP");
  await until("a complaint", () => host.stderr.includes("configuration refused"));
  expect((await host.status()).slotsTotal).toBe(2);
  host.configure(cluster.config(host.name, { slots: 3 }));
  host.child?.kill("SIGHUP");
  await until("three slots", async () => (await host.status()).slotsTotal === 3);
});

test("the leader is killed: the next grant comes within a few seconds", async () => {
  const leader = await until("a leader", agreedLeader);
  const other = await someFollower();
  await leader.kill("SIGKILL");
  const start = performance.now();
  const client = await Client.connect(other);
  await until("a grant", async () => (await client.request(1, [leader.name])).length > 0, 5000);
  expect(performance.now() - start).toBeLessThan(4000);
  client.close();
  await leader.start();
  await until("all to agree", agreedLeader);
});

test("a leader that is told to end hands over and leaves nothing behind", async () => {
  const leader = await until("a leader", agreedLeader);
  const other = await someFollower();
  expect(await leader.kill("SIGTERM")).toBe(0);
  expect(leader.state()).toBeNull();
  const start = performance.now();
  await until("another leader", async () => {
    const { leader: name } = await other.status();
    return name !== "" && name !== leader.name;
  });
  expect(performance.now() - start).toBeLessThan(1000);
});

test("10,000 requests and releases leave memory flat", async () => {
  const live = hosts.filter((host) => host.child?.exitCode === null && host.child.signalCode === null);
  const leader = await until("a leader", agreedLeader);
  const host = live.find((each) => each !== leader) ?? leader;
  const client = await Client.connect(host);
  const cycle = async () => {
    const leases = await client.request(1);
    client.send({ t: "release", leases: leases.map(({ id }) => id) });
    return leases.length;
  };
  let granted = 0;
  const many = async (count: number) => {
    for (let run = 0; run < count; run++) granted += await cycle();
  };
  await many(1000);
  const early = Math.max(...live.map((each) => each.rssMb()));
  await many(9000);
  const late = Math.max(...live.map((each) => each.rssMb()));
  expect(granted).toBeGreaterThan(5000);
  expect(late).toBeLessThan(90);
  expect(late - early).toBeLessThan(15);
  client.close();
});
