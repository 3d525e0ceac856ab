/** Jobs go where like ones did well: long ones to the fast host. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../src/io/paths.js";
import type { Lab } from "../../src/lab/lab.js";
import { until } from "../../src/lab/wait.js";
import { traces } from "../lab/traces.js";
import { cluster, missing } from "./cluster.js";

const prex = join(packageRoot, "build", "Release", "prex");

/** Computes for a tenth of a second or more of a whole CPU. */
const COMPUTE = "my $x = 0; for (my $n = 0; $n < 4_000_000; $n++) { $x += $n } print qx(hostname)";

describe.skipIf(missing !== "")("hosts of different speed", () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await cluster({
      hosts: 4,
      cpus: { n1: 0.3, n2: 0.2, n3: 0.9, n4: 0.2 },
    });
  });
  afterAll(async () => {
    await lab.down();
    expect(traces(lab.id)).toEqual([]);
  });

  /** Where a job ran, told by itself. */
  async function where(script: string, option: string): Promise<string> {
    const ran = await lab.host("n1").run([prex, "--", "/usr/bin/perl", option, "-e", script]);
    expect(ran.status).toBe(0);
    return ran.stdout.trim();
  }

  /** Runs some at a time, so that every host gets some, then one after the other until several in a row went to one host. */
  async function settles(script: string, option: string, host: string): Promise<void> {
    for (let round = 0; round < 5; round++)
      await Promise.all(Array.from({ length: 3 }, () => where(script, option)));
    let row = 0;
    await until(
      `jobs to go to ${host}`,
      async () => {
        row = (await where(script, option)) === host ? row + 1 : 0;
        return row >= 5;
      },
      { ms: 100_000, every: 10 },
    );
  }

  it("learn which of them is fast, and long jobs go there", async () => {
    await settles(COMPUTE, "-w", "n3");
  }, 120_000);
});
