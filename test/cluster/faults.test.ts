import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { finish, startBuild } from "../../src/cli/demo/build.js";
import { compilesNow } from "../../src/cli/demo/compiles.js";
import { knownHosts, ready } from "../../src/cli/demo/ready.js";
import type { Outputs } from "../../src/cli/demo/workspace.js";
import { Workspace } from "../../src/cli/demo/workspace.js";
import type { Host } from "../../src/lab/host.js";
import type { Lab } from "../../src/lab/lab.js";
import { until } from "../../src/lab/wait.js";
import { cluster, FEW, missing, reference, strays } from "./cluster.js";

/** The longest that any fault may hold a build up. */
const LOST_MS_MAX = 20_000;

describe.skipIf(missing !== "")("in the middle of a build", () => {
  let lab: Lab;
  let work: Workspace;
  let expected: Outputs;
  let undisturbedMs: number;
  let runs = 0;
  beforeAll(async () => {
    work = new Workspace(FEW);
    expected = reference(work);
    lab = await cluster({ hosts: 4, cpus: 0.5 });
    undisturbedMs = (await finish(startBuild(lab, work, "undisturbed", true), work, "undisturbed")).ms;
  });
  afterAll(async () => {
    await lab.down();
    work.remove();
  });

  /** A build in which something happens while compilers run on other hosts. */
  async function disturbed(fault: () => Promise<void> | void): Promise<void> {
    const out = `run${++runs}`;
    const running = startBuild(lab, work, out, true);
    await until("compilers on other hosts", () => compilesNow(lab).some(({ host }) => host !== "n1"), {
      ms: 20_000,
    });
    await fault();
    const built = await finish(running, work, out);
    expect(built.outputs).toEqual(expected);
    expect(built.ms - undisturbedMs).toBeLessThan(LOST_MS_MAX);
    await until("what the build ran to be gone", () => strays(lab).length === 0, { ms: LOST_MS_MAX }).catch(
      () => undefined,
    );
    expect(strays(lab)).toEqual([]);
  }

  const kill = (pids: readonly number[]): void => {
    expect(pids.length).toBeGreaterThan(0);
    for (const pid of pids) process.kill(pid, "SIGKILL");
  };

  /** SIGKILL to a host's pantsd; the answer starts it again. */
  const killDaemon = (host: Host): (() => Promise<void>) => {
    kill(host.running("pantsd"));
    return () => host.startDaemon();
  };

  it("an agent is killed", () =>
    disturbed(() => {
      const host = lab.host(compilesNow(lab).find((one) => one.host !== "n1")?.host ?? "n2");
      kill(host.running("prex-agent"));
    }));

  it("prexd is killed", () => disturbed(() => kill(lab.host("n1").running("prexd"))));

  it("pantsd at home is killed", async () => {
    let restart = (): Promise<void> => Promise.resolve();
    await disturbed(() => {
      restart = killDaemon(lab.host("n1"));
    });
    await restart();
    await ready(lab);
  });

  it("the leader's pantsd is killed", async () => {
    let restart = (): Promise<void> => Promise.resolve();
    await disturbed(async () => {
      const leader = (await lab.host("n1").ask("hosts")).leader;
      restart = killDaemon(lab.host(leader === "" ? "n2" : leader));
    });
    await restart();
    await ready(lab);
  });

  it("a whole host dies", async () => {
    await disturbed(async () => {
      const host = compilesNow(lab).find((one) => one.host !== "n1")?.host ?? "n4";
      await lab.host(host).kill();
    });
    await until("a leader that knows the rest", async () => (await knownHosts(lab.host("n1"))).length === 3, {
      ms: 30_000,
    });
  });
});
