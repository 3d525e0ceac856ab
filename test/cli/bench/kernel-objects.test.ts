import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { hashObjects } from "../../../src/cli/bench/kernel/project.js";
import { temporary } from "../support.js";

it("builds of a kernel's folders are held against each other by all their object files", () => {
  const tree = temporary();
  for (const folder of ["a/deep", "b"]) mkdirSync(join(tree, folder), { recursive: true });
  const both = (): string | undefined => hashObjects(tree, ["a/", "b/"]);
  expect(both()).toBeUndefined();
  const seen = new Set<string | undefined>();
  for (const [name, text] of [
    ["a/deep/x.o", "1"],
    ["a/deep/x.o", "2"],
    ["b/x.o", "2"],
    ["b/.x.o.cmd", "not counted"],
    ["c.o", "not counted"],
  ] as const) {
    writeFileSync(join(tree, name), text);
    seen.add(both());
  }
  expect(seen.size).toBe(3);
  expect(hashObjects(tree, ["b/", "a/"])).toBe(both());
});
