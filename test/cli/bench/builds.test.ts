/** The benches of builds and batches, small: that they run, and that what they build is the same however it is built. */
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { batch } from "../../../src/cli/bench/batch.js";
import type { Experiment, Outcome, Settings } from "../../../src/cli/bench/experiment.js";
import { kernel } from "../../../src/cli/bench/kernel/kernel.js";
import { loading } from "../../../src/cli/bench/loading.js";
import { distcc } from "../../../src/cli/bench/peers/distcc.js";
import { missingFor } from "../../../src/cli/bench/peers/peer.js";
import { which } from "../../../src/lab/rights.js";
import { missing } from "../../cluster/cluster.js";

const lacking = missingFor(distcc);
if (lacking.length > 0) console.warn(`a build by distcc is skipped: not installed: ${lacking.join(" ")}`);

describe.skipIf(missing !== "")("small, on a lab", () => {
  let folder: string;
  let settings: Settings;
  beforeAll(() => {
    folder = mkdtempSync(join(realpathSync(tmpdir()), "pants-bench-"));
    settings = {
      ...{ place: "lab", hosts: 2, cpus: 0.5, policies: ["adaptive"], small: true, folder, options: {} },
    };
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  async function outcomes(experiment: Experiment, variants: readonly string[]): Promise<Outcome[]> {
    await experiment.setUp(settings);
    const all: Outcome[] = [];
    try {
      for (const variant of variants) all.push(await experiment.run(variant, 1));
    } finally {
      await experiment.tearDown();
    }
    return all;
  }

  it("a build is the same in every way, and under PANTS compilers run elsewhere too", async () => {
    const wanted = ["local", "adaptive", ...(lacking.length > 0 ? [] : [distcc.name])];
    const all = await outcomes(kernel, wanted);
    expect(all.map(({ outputsEqual }) => outputsEqual)).toEqual(wanted.map(() => true));
    expect(all[1]?.detail?.["gcc, n2"]).toBeGreaterThan(0);
    expect(all[1]?.load).toHaveLength(2);
  }, 180_000);

  it("a build ends although one of its hosts is killed", async () => {
    const [one] = await outcomes(kernel, ["a host killed, one joins"]);
    expect(one?.outputsEqual).toBe(true);
    expect(one?.detail?.["killed after s"]).toBeGreaterThan(0);
  }, 180_000);

  it("steps that load the disk come to the same wherever they run", async () => {
    const all = await outcomes(loading, ["no PANTS", "adaptive"]);
    expect(all.map(({ outputsEqual }) => outputsEqual)).toEqual([true, true]);
  }, 180_000);

  it("a batch packs every file the same", async () => {
    const variants = batch
      .variants(settings)
      .filter((name) => which("parallel") !== "" || !name.includes("parallel"));
    const all = await outcomes(batch, variants.slice(1));
    expect(all.map(({ outputsEqual }) => outputsEqual)).toEqual(all.map(() => true));
  }, 180_000);
});
