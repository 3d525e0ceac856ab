/** The benches of load, small: that they run, and that what they show holds roughly. */
import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { compared, differencePercent } from "../../src/cli/bench/indices.js";
import { queueUs } from "../../src/cli/bench/queueing.js";
import { costHere } from "../../src/cli/bench/sampling.js";

const missing = ["sar", "stress-ng"].filter((tool) => spawnSync(tool, ["-V"]).error !== undefined);
if (missing.length > 0) console.warn(`indices beside sysstat are skipped: no ${missing.join(", ")} here`);

it.skipIf(missing.length > 0)(
  "indices are what sysstat measures at the same time",
  async () => {
    const rows = await compared({ words: "--switch 1 --fault 1", indices: ["ctxt", "memory"] }, 3);
    expect(rows.map(({ index }) => index)).toEqual(["ctxt", "memory"]);
    for (const row of rows) {
      expect(row.pants, row.index).toBeGreaterThan(1000);
      expect(Math.abs(differencePercent(row)), JSON.stringify(row)).toBeLessThan(25);
    }
  },
  30_000,
);

it("a sample costs less than 0.3 % of a second, and leaves nothing behind", () => {
  const { samples, userUs, systemUs, heapGrown, externalGrown } = costHere(1000);
  expect(samples).toBe(1000);
  expect(userUs + systemUs).toBeLessThan(3000);
  expect(heapGrown).toBeLessThan(512 * 1024);
  expect(externalGrown).toBeLessThan(512 * 1024);
}, 60_000);

it("a queue whose jobs are sent ahead and done in turn never stands still: that would be an error", () => {
  expect(queueUs({ waiting: 40, leases: 4, ahead: true }, 60)).toBeGreaterThan(0);
});
