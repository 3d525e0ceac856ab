import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Asker } from "../../src/cli/bench/asking.js";
import { EVERY_MS, failOver } from "../../src/cli/bench/failover.js";
import { finish, startBuild } from "../../src/cli/demo/build.js";
import { statusOf } from "../../src/cli/demo/ready.js";
import { Workspace } from "../../src/cli/demo/workspace.js";
import type { Settings } from "../../src/lab/files.js";
import type { Lab } from "../../src/lab/lab.js";
import { until } from "../../src/lab/wait.js";
import { Capture, type Seen, words } from "./capture.js";
import { cluster, missing } from "./cluster.js";
import { parts } from "./trouble.js";

/** What a host has on its way to it when it leaves, or while its leaving is on its way to the switch. */
const LEAVING_MS = 500;
const ANSWERS: readonly string[] = ["grant", "deny", "leases", "rows"];

describe.skipIf(missing !== "")("at the interface of a busy host", () => {
  let lab: Lab;
  let capture: Capture;
  let work: Workspace;
  beforeAll(async () => {
    work = new Workspace(["c", "go"]);
    // A threshold that n4's load is over also where others take this machine's CPUs from it.
    const settings = (host: string): Settings => ({ load: { cpu: host === "n4" ? 20 : 100 } });
    lab = await cluster({ hosts: 4, cpus: 0.5, settings, snooping: true });
    capture = await Capture.start(lab.host("n4"));
  });
  afterAll(async () => {
    await capture.stop();
    await lab.down();
    work.remove();
  });

  it("nothing arrives but answers, while the others elect, build and ask", async () => {
    const [busy, others] = [lab.host("n4"), lab.hosts.slice(0, 3)];
    await until("n4 to hear or to be the leader", () => capture.all.some(({ type }) => type === "advert"));
    const load = busy.start(["sh", "-c", "while :; do :; done"]);
    await until("n4 to be busy", async () => (await statusOf(busy))?.role === "busy", { ms: 20_000 });
    const since = Date.now() + LEAVING_MS;
    const askers = lab.hosts.map((host) => new Asker(host, EVERY_MS));
    try {
      await until("what was under way to have arrived", () => Date.now() > since);
      const free = { hosts: others };
      for (let kills = 0; kills < 2; kills++)
        await failOver(
          free,
          askers.filter(({ host }) => host !== busy),
        );
      await finish(startBuild(lab, work, "out", true), work, "out");
      await until("answers to n4", () => askers.at(-1)?.answers.some(({ outcome }) => outcome === "granted"));
    } finally {
      for (const one of askers) one.stop();
      await load.kill("SIGKILL");
    }
    const now = Date.now();
    const unasked = ({ at, way, type }: Seen): boolean =>
      way === "in" && at > since && at < now && !ANSWERS.includes(type);
    const roles = parts(busy).filter(({ at }) => at > since && at < now);
    expect({ unasked: capture.all.filter(unasked).map(words), roles }).toEqual({ unasked: [], roles: [] });
    expect(capture.all.some(({ at, type }) => at > since && type === "grant")).toBe(true);
  });
});
