/** The shim, the keeper and the slot table under sanitizers, in short: `make sanitize` runs more of it. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { root, sanitized } from "./world.js";

it.skipIf(sanitized)("sanitizers find nothing in the C parts", { timeout: 280_000 }, () => {
  const script = join(root, "scripts", "sanitize.sh");
  const r = spawnSync("sh", [script, "quick"], { encoding: "utf8", timeout: 270_000 });
  expect(`${r.stdout}${r.stderr}`).toMatch(/sanitize\.sh: nothing found\n$/);
  expect(r.status).toBe(0);
});
