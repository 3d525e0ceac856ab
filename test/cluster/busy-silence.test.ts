import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { finish, startBuild } from "../../src/cli/demo/build.js";
import { Workspace } from "../../src/cli/demo/workspace.js";
import type { Settings } from "../../src/lab/files.js";
import type { Host } from "../../src/lab/host.js";
import type { Lab } from "../../src/lab/lab.js";
import { until } from "../../src/lab/wait.js";
import { cluster, FREE_GROUP, joined, LEADER_GROUP, missing } from "./cluster.js";

/** UDP datagrams that the host's network stack has received, wanted by a socket or not. */
function received(host: Host): number {
  const [names = "", values = ""] = host.net("snmp").match(/^Udp:.*$/gm) ?? [];
  const value = (name: string): number => Number(values.split(" ")[names.split(" ").indexOf(name)]);
  return value("InDatagrams") + value("NoPorts") + value("InErrors");
}

describe.skipIf(missing !== "")("a busy host", () => {
  let lab: Lab;
  let work: Workspace;
  beforeAll(async () => {
    work = new Workspace(["c", "go"]);
    // A low threshold, so that n3 stays busy even where others take this machine's CPUs from it.
    const settings = (host: string): Settings => (host === "n3" ? { load: { cpu: 20 } } : {});
    lab = await cluster({ hosts: 3, cpus: 0.5, settings });
  });
  afterAll(async () => {
    await lab.down();
    work.remove();
  });

  it("receives no datagram that it did not ask for, while the others work", async () => {
    const busy = lab.host("n3");
    const load = [1, 2].map(() => busy.start(["sh", "-c", "while :; do :; done"]));
    await until("n3 to leave both groups", () => !joined(busy, FREE_GROUP) && !joined(busy, LEADER_GROUP), {
      ms: 20_000,
      every: 100,
    });
    await sleep(500); // What was under way when it left still arrives.
    const before = received(busy);
    await finish(startBuild(lab, work, "out", true), work, "out");
    await sleep(3000); // Three adverts go by.
    expect((await busy.ask("status")).status.role).toBe("busy");
    expect(received(busy) - before).toBe(0);
    await Promise.all(load.map((one) => one.kill("SIGKILL")));
    // 5 s, or 25 s if it was once busy for a moment before the load.
    await until("n3 to be free again", () => joined(busy, FREE_GROUP), { ms: 40_000, every: 100 });
  });
});
