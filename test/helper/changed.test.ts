import { describe, expect, it } from "vitest";
import { partsOf } from "../../src/helper/changed.js";
import { PART_MAX } from "../../src/io/layout.js";

describe("what a program changed", () => {
  const path = (length: number, letter: string): string => `${letter.repeat(length)}\0`;

  it("goes to the stand-in in portions, each of whole paths", () => {
    const all = Array.from({ length: 300 }, (_, i) => path(1 + ((i * 37) % 200), "abc"[i % 3] ?? "")).join(
      "",
    );
    const parts = [...partsOf(Buffer.from(all))];
    expect(Buffer.concat(parts).toString()).toBe(all);
    expect(parts.length).toBeGreaterThan(5);
    for (const part of parts) {
      expect(part.length).toBeLessThanOrEqual(PART_MAX);
      expect(part.at(-1)).toBe(0);
    }
  });

  it("is left out where one path alone is too long for one", () => {
    const [a, fits] = [path(3, "a"), path(PART_MAX - 1, "c")];
    const all = `${a}${path(PART_MAX, "b")}${fits}${path(9000, "d")}`;
    expect(Buffer.concat([...partsOf(Buffer.from(all))]).toString()).toBe(`${a}${fits}`);
  });

  it("is nothing where nothing was", () => {
    expect([...partsOf()]).toEqual([]);
  });
});
