/** The benches of what a job costs, small: that they run, that every byte arrives, that no station is missing. */
import { expect, it } from "vitest";
import { bulkTable } from "../../src/cli/bench/bulk.js";
import { waterfallTables } from "../../src/cli/bench/waterfall.js";
import { missingRights } from "../../src/lab/rights.js";

const missing = missingRights(undefined);
if (missing.length > 0) console.warn(`benches in a lab are skipped: ${missing.join("; ")}`);

it.skipIf(missing.length > 0)("files and pipes through a program elsewhere, beside ssh", async () => {
  const text = await bulkTable({ size: 4 << 20, rounds: 1, only: "" });
  const ratios = text.split("\n").flatMap((line) => /\| ([\d.]+) \|$/.exec(line)?.slice(1) ?? []);
  expect(ratios, text).toHaveLength(16);
  expect(Math.min(...ratios.map(Number)), text).toBeGreaterThan(0);
});

it.skipIf(missing.length > 0)("where the time of a job goes", async () => {
  const text = await waterfallTables({ warm: 5, runs: 5, costed: 20 });
  expect(text).not.toContain("NaN");
  expect(text.match(/\*\*ssh\*\*/g), text).toHaveLength(2);
  expect(Number(/home: \*\*all\*\* \| (\d+)/.exec(text)?.[1]), text).toBeGreaterThan(0);
});
