import { expect, test } from "vitest";
import { Looks } from "../../src/io/looks.js";

test("a look after a long time is excused, and the next one, for which there was time to read, is not", () => {
  const looks = new Looks();
  const now = performance.now();
  const seconds = [1, 2, 60, 61, 70, 80, 81];
  expect(seconds.map((s) => looks.late(now + s * 1000))).toEqual([
    false,
    false,
    true,
    false,
    true,
    false,
    false,
  ]);
});
