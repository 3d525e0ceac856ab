import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { finish, startBuild } from "../../src/cli/demo/build.js";
import { decided } from "../../src/cli/demo/compiles.js";
import type { Outputs } from "../../src/cli/demo/workspace.js";
import { Workspace } from "../../src/cli/demo/workspace.js";
import { native } from "../../src/io/native.js";
import type { Lab } from "../../src/lab/lab.js";
import { until } from "../../src/lab/wait.js";
import { traces } from "../lab/traces.js";
import { cluster, FEW, FREE_GROUP, joined, LEADER_GROUP, missing, reference, strays } from "./cluster.js";

describe.skipIf(missing !== "")("make on three hosts under LD_PRELOAD", () => {
  let lab: Lab;
  let work: Workspace;
  let expected: Outputs;
  beforeAll(async () => {
    work = new Workspace(FEW);
    expected = reference(work);
    lab = await cluster({ hosts: 3, cpus: 0.5 });
  });
  afterAll(async () => {
    await lab.down();
    work.remove();
    expect(traces(lab.id)).toEqual([]);
  });

  it("builds what make builds alone, with compilers on several hosts", async () => {
    const since = native.bootTimeNs();
    const built = await finish(startBuild(lab, work, "first", true), work, "first");
    expect(built.outputs).toEqual(expected);
    expect(built.stderr).toBe("");
    const { byHost, remote } = decided(lab, "n1", since, "/toolchain/bin/gcc");
    expect([...byHost.values()].filter((jobs) => jobs > 0).length).toBeGreaterThanOrEqual(2);
    expect(remote).toBeGreaterThan(0);
  });

  it("does it again over the links that are there", async () => {
    const built = await finish(startBuild(lab, work, "second", true), work, "second");
    expect(built.outputs).toEqual(expected);
  });

  it("leaves nothing running", async () => {
    await until("what the build ran to be gone", () => strays(lab).length === 0).catch(() => undefined);
    expect(strays(lab)).toEqual([]);
  });

  it("has one leader, alone in the leader group", async () => {
    await until("the hosts to be free again and one to lead", () => {
      const free = lab.hosts.map((host) => joined(host, FREE_GROUP));
      const leads = lab.hosts.map((host) => joined(host, LEADER_GROUP));
      return free.every(Boolean) && leads.filter(Boolean).length === 1;
    });
  });
});
