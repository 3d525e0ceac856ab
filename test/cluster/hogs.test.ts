import { cpus } from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HOG_LAB, HOGS, hogged } from "../../src/cli/bench/hogs.js";
import type { Lab } from "../../src/lab/lab.js";
import { missingRights } from "../../src/lab/rights.js";
import { cluster } from "./cluster.js";

const missing = missingRights(cpus().length);

describe.skipIf(missing.length > 0)("a host on which one program uses up", () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await cluster({ ...HOG_LAB, hosts: HOGS.length });
  });
  afterAll(() => lab.down());

  const reasons: Readonly<Record<string, RegExp>> = {
    CPU: /^(cpu|owner): /,
    disk: /^(io-pressure|io): /,
    memory: /^(room|memory-pressure): /,
    "context switches": /^(ctxt|cpu|owner): /,
    network: /^(net|cpu|owner): /,
  };

  // Each on a host of its own: one that had turned busy a moment before stays away for longer.
  it.each(HOGS.map((hog, n) => ({ name: hog.name, hog, n })))(
    "$name takes no more work, and says why",
    async ({ hog, n }) => {
      const { why, looks, others } = await hogged(lab, lab.host(`n${1 + n}`), hog);
      expect(why).toMatch(reasons[hog.name] ?? /^$/);
      expect(looks).toBeGreaterThan(50);
      // None, by the bench; where something else loads the whole machine one may leave for a while.
      expect(others).toBeLessThan(looks / 2);
    },
  );
});
