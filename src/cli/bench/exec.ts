/** What the shim costs the programs that it is loaded into: bench/exec. */
import { cpSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { changeMark, MIGRATABLE } from "../../io/mark.js";
import { LabError } from "../../lab/command.js";
import type { Host } from "../../lab/host.js";
import { Lab } from "../../lab/lab.js";
import { libprex } from "../demo/build.js";
import type { Section } from "./section.js";
import { compile, inFolder, markdown } from "./section.js";

const ROUNDS = 5;

/** Runs the probe and returns a number of its one line of JSON. */
async function measure(host: Host, argv: readonly string[], preload: string, key: string): Promise<number> {
  const run = await host.run(argv, { env: { LD_PRELOAD: preload || undefined } });
  if (run.status !== 0) throw new LabError(`${argv.join(" ")}: ${run.stderr || String(run.signal)}`);
  const value = (JSON.parse(run.stdout) as Record<string, unknown>)[key];
  if (typeof value !== "number") throw new LabError(`${argv.join(" ")}: no ${key} in ${run.stdout}`);
  return value;
}

/** The median of some runs in turns, so that the moods of the machine fall on all of them. */
async function inTurns(runs: readonly (() => Promise<number>)[]): Promise<number[]> {
  const all: number[][] = runs.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, one] of runs.entries()) all[i]?.push(await one());
  }
  return all.map((values) => values.sort((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN);
}

async function run(): Promise<string> {
  const lab = await Lab.up({ hosts: 1 });
  try {
    const n1 = lab.host("n1");
    return await inFolder(async (folder) => {
      const [probe, stop, plain, marked] = ["exec", "stop.so", "plain", "marked"].map((name) =>
        join(folder, name),
      );
      if (!probe || !stop || !plain || !marked) throw new LabError("no names");
      compile("exec/exec.c", probe);
      compile("exec/stop.c", stop, "-shared", "-fPIC");
      for (const copy of [plain, marked]) cpSync(realpathSync("/bin/true"), copy);
      changeMark(marked, () => MIGRATABLE);
      const inside = (program: string, shim: boolean) => () =>
        measure(n1, [probe, "inside", program], shim ? `${libprex}:${stop}` : stop, "ns");
      const start = (key: string) => () => measure(n1, [probe, "start", libprex], "", key);
      const [bare = 0, unmarked = 0, idle = 0, without = 0, with_ = 0] = await inTurns([
        inside(plain, false),
        inside(plain, true),
        inside(marked, true),
        start("without_ns"),
        start("with_ns"),
      ]);
      const us = (ns: number): string => (ns / 1000).toFixed(2);
      const row = (what: string, a: number, b: number): string[] => [what, us(a), us(b), us(b - a)];
      const rows = [
        row("execve of an unmarked program, until the real call", bare, unmarked),
        row("execve of a marked program on an idle host, until the real call", bare, idle),
        row("start and end of a small dynamic program", without, with_),
      ];
      return markdown(["microseconds", "without the shim", "with it", "more"], rows);
    });
  } finally {
    await lab.down();
  }
}

export const exec: Section = { name: "exec", title: "The shim", run };
