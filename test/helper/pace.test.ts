import { expect, it } from "vitest";
import { Pace } from "../../src/helper/pace.js";

it("is 1 until something was seen, follows what is seen, and forgets it", () => {
  const pace = new Pace();
  expect(pace.factor(0)).toBe(1);
  for (let n = 0; n < 10; n++) {
    pace.begun(n, 500, 1000 * n);
    pace.ended(n, 1000 * n + 1500);
  }
  expect(pace.factor(10_500)).toBeGreaterThan(2);
  expect(pace.factor(10_500)).toBeLessThan(3.01);
  expect(pace.factor(120_000)).toBeLessThan(1.01);
});

it("is never less than 1, nor taken in by one strange job or by short ones", () => {
  const seen = (expectedMs: number, tookMs: number): number => {
    const pace = new Pace();
    pace.begun(1, expectedMs, 0);
    pace.ended(1, tookMs);
    return pace.factor(tookMs);
  };
  expect(seen(500, 100)).toBe(1);
  expect(seen(500, 500_000)).toBeLessThan(3);
  expect(seen(5, 500)).toBe(1);
});
