/** Policy and thresholds that change while a build runs: in force within one sample, and nothing restarts. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { finish, startBuild } from "../../src/cli/demo/build.js";
import { statusOf } from "../../src/cli/demo/ready.js";
import { type Outputs, Workspace } from "../../src/cli/demo/workspace.js";
import { loadFile, readLoad } from "../../src/io/load-record.js";
import type { Host } from "../../src/lab/host.js";
import type { Lab } from "../../src/lab/lab.js";
import { until } from "../../src/lab/wait.js";
import { cluster, FEW, missing, pants, reference } from "./cluster.js";

const changes = [
  { words: ["threshold", "cpu", "50"], now: { policy: "adaptive", thresholds: { cpu: 50 } } },
  {
    words: ["policy", "multi"],
    now: { policy: "multi", thresholds: { cpu: 50, ctxt: 6000, intr: 115_000 } },
  },
] as const;

describe.skipIf(missing !== "")("thresholds set during a build", () => {
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
  });

  const daemons = () => lab.hosts.map((host) => [host.running("pantsd"), host.running("prexd")]);
  const agents = (host: Host) => host.running("prex-agent");
  /** Read from outside: a command on the host would take its time beside the build. */
  const record = (host: Host) => readLoad(loadFile(join(host.runtime, "kept")));

  it("are in force within one sample, while daemons, agents and jobs go on", async () => {
    let changing = true;
    // One build after the other, so that one is under way however long the changes take.
    const build = async (): Promise<void> => {
      for (let i = 0; changing; i++) {
        const name = `changed-${i}`;
        expect((await finish(startBuild(lab, work, name, true), work, name)).outputs).toEqual(expected);
      }
    };
    const built = build();
    built.catch(() => undefined);
    const helped = lab.hosts.filter(({ name }) => name !== "n1");
    // Twice the same: a process that executes something is nobody for a moment.
    let seen: number[][] = [];
    await until(
      "the other hosts to help",
      () => {
        const last = seen;
        seen = helped.map(agents);
        return seen.every((pids, n) => pids.length > 0 && pids.join() === last[n]?.join());
      },
      { ms: 30_000 },
    );
    const before = { daemons: daemons(), agents: seen };

    const change = async (host: Host, { words, now }: (typeof changes)[number]): Promise<void> => {
      const last = record(host).at(-1)?.timeMs ?? 0;
      await pants(host, "set", ...words);
      // As soon as the command is back, and in the first interval that ends after it.
      const set = Date.now();
      expect(await statusOf(host)).toMatchObject({ ...now, warnings: [] });
      const next = await until("the next interval", () =>
        record(host).find(({ timeMs }) => timeMs > Math.max(last, set)),
      );
      expect(next).toMatchObject(now);
    };
    try {
      for (const one of changes) await Promise.all(lab.hosts.map((host) => change(host, one)));
    } finally {
      changing = false;
    }
    const after = { daemons: daemons(), agents: helped.map(agents) };
    await built;
    expect(after).toEqual(before);
    expect(daemons()).toEqual(before.daemons);
  });
});
