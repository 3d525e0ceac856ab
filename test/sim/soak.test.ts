/** A few hundred seeds of the simulator: whatever goes wrong, what must hold holds. `make sim` runs more. */
import { expect, test } from "vitest";
import { run } from "./soak/run.js";

test.each([0, 1, 2, 3, 4, 5])("seeds, part %d", (part) => {
  for (let seed = 1 + part; seed <= 240; seed += 6) {
    const outcome = run(seed);
    expect(outcome.ok ? "" : outcome.failure).toBe("");
  }
});
