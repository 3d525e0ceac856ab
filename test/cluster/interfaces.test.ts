import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agreed } from "../../src/cli/bench/failover.js";
import { ready, statusOf } from "../../src/cli/demo/ready.js";
import type { Host } from "../../src/lab/host.js";
import { Lab } from "../../src/lab/lab.js";
import { until } from "../../src/lab/wait.js";
import { FREE_GROUP, missing } from "./cluster.js";

const ip = async (host: Host, ...args: string[]): Promise<void> => {
  const run = await host.run(["ip", ...args]);
  if (run.status !== 0) throw new Error(`ip ${args.join(" ")} on ${host.name}: ${run.stderr}`);
};

describe.skipIf(missing !== "")("a host's interface", () => {
  let lab: Lab;
  let host: Host;
  beforeAll(async () => {
    lab = await Lab.up({ hosts: 3, daemons: false, settings: { load: { cpu: 100 } } });
    host = lab.host("n3");
    await ip(host, "link", "add", "eth1", "type", "veth", "peer", "name", "far");
    await ip(host, "addr", "add", "10.78.0.3/16", "dev", "eth1");
    for (const end of ["eth1", "far"]) await ip(host, "link", "set", end, "up");
    await ip(host, "link", "set", "eth0", "down");
    await Promise.all(lab.hosts.map((one) => one.startDaemon()));
  });
  afterAll(() => lab.down());

  const network = async (): Promise<string> => (await statusOf(host))?.network ?? "";
  const atHome = (address: string): Promise<unknown> =>
    until(`the leader to know n3 at ${address}`, async () => {
      const answer = await lab.host("n1").ask("hosts");
      return answer.hosts.some((row) => row.host === "n3" && row.address === address);
    });

  it("may appear late", async () => {
    await until("n3 to say that it has no network", async () => (await network()).startsWith("no network"));
    await ip(host, "link", "set", "eth0", "up");
    await ready(lab);
    await until("one leader", () => agreed(lab.hosts));
    expect(await network()).toBe(`multicast, eth0 ${host.address}`);
    expect(host.joinedOn(FREE_GROUP)).toEqual(["eth0"]);
  });

  it("may change its address", async () => {
    const address = "10.77.0.103";
    await ip(host, "addr", "del", `${host.address}/16`, "dev", "eth0");
    await ip(host, "addr", "add", `${address}/16`, "dev", "eth0");
    await until("n3 to use its new address", async () => (await network()).endsWith(` ${address}`));
    await atHome(address);
    await until("one leader", () => agreed(lab.hosts));
    expect(host.joinedOn(FREE_GROUP)).toEqual(["eth0"]);
  });
});
