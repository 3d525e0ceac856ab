/** What changes while pantsd runs: the host's name, its cluster, its network. It leaves and joins anew. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Client, TestCluster, type TestHost, until } from "./hosts.js";

const root = process.getuid?.() === 0;
const cluster = new TestCluster();
const a = cluster.host("a");
const b = cluster.host("b");

const leaderOf = async (host: TestHost) => (await host.status()).leader;
const together = async () => {
  const [one, other] = [await leaderOf(a), await leaderOf(b)];
  return one !== "" && one === other;
};

/** Applies a configuration, and waits until it is in force. */
async function apply(host: TestHost, text: string): Promise<void> {
  const before = host.stderr.split("configuration read again").length;
  host.configure(text);
  host.child?.kill("SIGHUP");
  await until("SIGHUP", () => host.stderr.split("configuration read again").length > before);
}

beforeAll(async () => {
  await Promise.all([a.start(), b.start()]);
  await until("one leader", together);
});
afterAll(() => cluster.close());

test("another cluster's name parts them, the same one brings them together; leases are lost and said so", async () => {
  const client = await Client.connect(b);
  const [lease] = await until("a lease", async () => {
    const leases = await client.request(1);
    return leases.length > 0 ? leases : null;
  });
  const lost = client.next(({ t }) => t === "lost");
  await apply(b, cluster.config("b", { cluster: "elsewhere" }));
  expect(await lost).toEqual({ t: "lost", leases: [lease?.id] });
  await until("b to lead itself", async () => (await leaderOf(b)) === "b");
  await until("a to lead itself", async () => (await leaderOf(a)) === "a");
  expect((await b.status()).cluster).toBe("elsewhere");
  await apply(b, cluster.config("b", {}));
  await until("one leader", together);
  await until("a lease again", async () => (await client.request(1)).length > 0);
  client.close();
});

test("another port needs no restart either", async () => {
  const other = (name: string) =>
    cluster.config(name, {}).replace(/port = \d+/, `port = ${cluster.port + 1}`);
  await Promise.all([apply(a, other("a")), apply(b, other("b"))]);
  await until("one leader", together);
  expect((await a.status()).network).toBe("multicast, lo 127.0.0.1");
});

test("a key that cannot be read leaves everything as it was, and is said", async () => {
  const before = await b.status();
  const short = cluster.writeKey("short", "abcd");
  b.configure(cluster.config("b", { key: short, cluster: "elsewhere", slots: 7 }));
  b.child?.kill("SIGHUP");
  await until("a complaint", () => b.stderr.includes("the key has 2 bytes, 32 are needed"));
  const after = await b.status();
  expect(after).toMatchObject({
    cluster: before.cluster,
    slotsTotal: before.slotsTotal,
    epoch: before.epoch,
  });
  expect(await together()).toBe(true);
});

test("another key file is read from then on", async () => {
  const key = cluster.writeKey("second", randomBytes(32).toString("hex"));
  await apply(b, cluster.config("b", { key }));
  await until(
    "another key in force",
    async () => (await b.status()).keys[0]?.id !== (await a.status()).keys[0]?.id,
  );
  await apply(a, cluster.config("a", { key }));
  await apply(b, cluster.config("b", { key }));
  await until("one leader", async () => (await together()) && (await a.status()).keys[0]?.hosts === 1);
});

test.skipIf(!root)(
  "a host that is renamed leaves under its old name and joins under the new one",
  async () => {
    const host = cluster.host("renamed", { by: ["unshare", "--uts"], key: `${cluster.folder}/second` });
    host.configure(cluster.config("", { key: `${cluster.folder}/second` }));
    await host.start();
    expect((await host.status()).host).toBe(hostname());
    const { pid } = await host.status();
    execFileSync("nsenter", ["--target", String(pid), "--uts", "hostname", "other.example"]);
    await until("the new name", async () => (await host.status()).host === "other.example");
    const client = await Client.connect(a);
    const names = async () => {
      const reply = await client.ask({ t: "hosts", id: 1 });
      return reply.t === "hosts" ? reply.hosts.map((row) => row.host).sort() : [];
    };
    await until("the table to have it", async () => (await names()).join() === "a,b,other.example");
    const badName = "echo no-such-host! > /proc/sys/kernel/hostname";
    execFileSync("nsenter", ["--target", String(pid), "--uts", "sh", "-c", badName]);
    await until("a complaint", () => host.stderr.includes("cannot be used in a cluster"));
    expect((await host.status()).host).toBe("other.example");
    client.close();
  },
);
