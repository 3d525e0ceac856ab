/** Many programs elsewhere that stream into one another over one connection: what arrives is what was sent. */
import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Where } from "../../src/io/layout.js";
import { Ways } from "./ways.js";

let bed: Ways;
beforeAll(async () => {
  bed = new Ways();
  await bed.ready();
  bed.state(false);
});
afterAll(() => bed.end());

/** KiB: within what is sent ahead, within a pipe, beyond both, and enough for what goes past prexd. */
const sizes = [3, 70, 300, 1500, 6000];

/** Each hashes `in.$1` in a way of its own; `$2` is for its files. */
const ways: readonly string[] = [
  "cat < in.$1 | cat | md5sum",
  "cat in.$1 | gzip -1 | cat | gunzip | md5sum",
  "cat in.$1 | tee >(md5sum > sum.$2) | cat > /dev/null; until [ -s sum.$2 ]; do sleep 0.05; done; cat sum.$2",
  "cat in.$1 | cat > out.$2; md5sum < out.$2",
  "cat in.$1 | dd bs=3000 2> /dev/null | { sleep 0.2; cat; } | md5sum",
  "{ cat in.$1; cat in.$1 >&2; } 2> err.$2 | cat > out.$2; cmp out.$2 err.$2 && md5sum < err.$2",
];

it("arrives whole, however many and however much at once", async () => {
  const expected: string[] = [];
  const calls: string[] = [];
  for (const size of sizes) {
    const bytes = randomBytes(size * 1024);
    writeFileSync(join(bed.work, `in.${size}`), bytes);
    for (const way of ways.keys()) {
      const name = `${size}.${way}`;
      expected.push(`${name} ${createHash("md5").update(bytes).digest("hex")}`);
      calls.push(`(sum=$(way${way} ${size} ${name}); echo ${name} \${sum%% *}) & together`);
    }
  }
  const functions = ways.map((body, way) => `way${way}() { ${body}; }`);
  const together = "together() { begun=$((begun + 1)); if [ $begun -gt 6 ]; then wait -n; fi; }";
  const script = [...functions, together, ...calls, "wait"].join("\n");
  const { code, stdout } = await bed.shimmed(script, { PANTS_POLICY: "always" });
  expect(code).toBe(0);
  expect(stdout.trim().split("\n").sort()).toEqual(expected.sort());
  const far = bed.decisions(512).filter(({ where }) => where === Where.REMOTE);
  expect(far.length).toBeGreaterThan(sizes.length * ways.length);
}, 120_000);
