/** IPv6 groups, with and without an address beyond the link, on a host of two interfaces; needs root for a namespace. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Client, TestCluster, type TestHost, until } from "./hosts.js";

const root = process.getuid?.() === 0;
const cluster = new TestCluster();
const groups = 'leader_group = "ff15::7717:1"\nfree_group = "ff15::7717:2"';
let holder: ChildProcess | undefined;
let within: string[] = [];

/** A namespace with two pairs of interfaces: `near0` with both kinds of addresses, `link0` with a link-local one only. */
async function makeNamespace(): Promise<void> {
  holder = spawn("unshare", ["--net", "sh", "-c", "echo ready; exec sleep 600"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  let ready = false;
  holder.stdout?.once("data", () => {
    ready = true;
  });
  await until("the namespace", () => ready);
  within = ["nsenter", "--target", String(holder.pid), "--net"];
  const inside = (...args: string[]) => execFileSync(within[0] ?? "", [...within.slice(1), "ip", ...args]);
  // What two hosts of one namespace say to each other goes over it, whatever their addresses.
  inside("link", "set", "lo", "up");
  for (const name of ["near", "link"]) {
    inside("link", "add", `${name}0`, "type", "veth", "peer", "name", `${name}1`);
    for (const end of ["0", "1"]) inside("link", "set", `${name}${end}`, "up");
  }
  inside("address", "add", "fd00:77::1/64", "dev", "near0", "nodad");
  inside("address", "add", "10.99.0.1/24", "dev", "near0");
  // A link-local address is usable when it is known to be nobody else's.
  await until("link-local addresses", () => !inside("-6", "address").includes("tentative"));
}

/** Two hosts on one interface agree on a leader and grant to each other. */
async function formCluster(name: string, settings: object): Promise<TestHost[]> {
  const hosts = ["x", "y"].map((each) => cluster.host(`${name}-${each}`, { ...settings, by: within }));
  await Promise.all(hosts.map((host) => host.start()));
  await until("one leader", async () => {
    const [one, other] = await Promise.all(hosts.map(async (host) => (await host.status()).leader));
    return one !== "" && one === other;
  });
  for (const host of hosts) {
    const client = await Client.connect(host);
    await until("a grant", async () => (await client.request(1)).length > 0);
    client.close();
  }
  return hosts;
}

async function addressesSeen(host: TestHost): Promise<string[]> {
  const client = await Client.connect(host);
  const reply = await client.ask({ t: "hosts", id: 1 });
  client.close();
  return reply.t === "hosts" ? reply.hosts.map(({ address }) => address) : [];
}

describe.skipIf(!root)("IPv6", () => {
  beforeAll(makeNamespace);
  afterAll(async () => {
    await cluster.close();
    holder?.kill("SIGKILL");
  });

  test("by an address beyond the link, though there is a link-local one", async () => {
    const [host] = await formCluster("near", { interface: "near0", network: groups });
    expect((await host?.status())?.network).toBe("multicast, near0 fd00:77::1");
    expect(host && (await addressesSeen(host))).toEqual(["fd00:77::1", "fd00:77::1"]);
  });

  test("by a link-local address, where there is no other", async () => {
    const settings = { interface: "link0", network: groups, cluster: "link" };
    const [host] = await formCluster("link", settings);
    expect((await host?.status())?.network).toMatch(/^multicast, link0 fe80::[0-9a-f:]+%link0$/);
  });

  test("an interface by its address, IPv4 as before; nothing of the other's clusters comes over it", async () => {
    const [host] = await formCluster("old", { interface: "10.99.0.1", cluster: "old" });
    const status = await host?.status();
    expect(status?.network).toBe("multicast, near0 10.99.0.1");
    expect(status?.counters).not.toHaveProperty("rejected cluster");
  });
});
