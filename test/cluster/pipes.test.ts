import { cpSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { libprex } from "../../src/cli/demo/build.js";
import { changeMark, MIGRATABLE } from "../../src/io/mark.js";
import type { Lab } from "../../src/lab/lab.js";
import { cluster, missing, pants } from "./cluster.js";

const PIPELINES = 8;
/** More than a pipe holds, so that programs wait for each other. */
const LINES = 40_000;

describe.skipIf(missing !== "")("pipelines of marked programs in a full cluster", () => {
  let lab: Lab;
  let folder: string;
  beforeAll(async () => {
    lab = await cluster({ hosts: 3, cpus: 0.5, settings: { slots: { total: 1 } } });
    folder = join(lab.folder, "work");
    mkdirSync(folder);
    for (const name of ["sort", "gzip", "wc", "sleep"]) {
      cpSync(realpathSync(`/usr/bin/${name}`), join(folder, name));
      changeMark(join(folder, name), () => MIGRATABLE);
    }
    const lines = Array.from({ length: LINES }, (_, i) => `${(i * 7919) % LINES}\n`);
    writeFileSync(join(folder, "lines"), lines.join(""));
  });
  afterAll(() => lab.down());

  it("are not what the jobs of one make are, which have its stdin and its stdout in common", async () => {
    writeFileSync(
      join(folder, "Makefile"),
      "all: $(addprefix o,1 2 3 4 5 6 7 8 9 10 11 12)\no%:\n\t@./sleep 0.6\n",
    );
    const run = { cwd: folder, env: { LD_PRELOAD: libprex }, timeoutMs: 60_000 };
    const made = await lab.host("n1").run(["sh", "-c", "make -s -j12 | cat"], run);
    expect(made).toMatchObject({ status: 0, stderr: "" });
    const records = (await pants(lab.host("n1"), "why", "-n", "300")) as { why: string; program: string }[];
    const sleeps = records.filter(({ program }) => program.endsWith("/sleep"));
    expect(sleeps).toHaveLength(12);
    expect(sleeps.filter(({ why }) => why.includes("another program waits"))).toEqual([]);
  });

  it.each([
    "./sort lines | ./gzip -n | ./wc -c",
    "./sort lines | cat | ./gzip -n | ./wc -c",
    "(./sort lines; ./sort -r lines) | ./gzip -n | ./wc -c",
  ])("do not wait for each other's slots: %s", async (pipeline) => {
    const all = `for i in $(seq ${PIPELINES}); do (${pipeline}) >out$i & done; wait`;
    const run = async (env: Record<string, string>): Promise<string[]> => {
      const ran = await lab.host("n1").run(["sh", "-c", all], { cwd: folder, env, timeoutMs: 60_000 });
      expect(ran).toMatchObject({ status: 0, signal: null, stderr: "" });
      return Array.from({ length: PIPELINES }, (_, i) => readFileSync(join(folder, `out${i + 1}`), "utf8"));
    };
    const plain = await run({});
    // The first time some find no prexd, and run here.
    for (let time = 0; time < 2; time++) expect(await run({ LD_PRELOAD: libprex })).toEqual(plain);
  });

  it("say why they ran here", async () => {
    const records = (await pants(lab.host("n1"), "why", "-n", "300")) as { why: string }[];
    expect(records.some(({ why }) => why.includes("through a pipe"))).toBe(true);
  });
});
