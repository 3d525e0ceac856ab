/**
 * `make bench`: measures what PANTS promises. Arguments: names of sections, which go into docs/benchmarks.md, and of
 * experiments, which `pants bench` runs too and reports beside their figures; none: all of both.
 */
import { build } from "./bench/build.js";
import { bulk } from "./bench/bulk.js";
import { exec } from "./bench/exec.js";
import type { Experiment } from "./bench/experiment.js";
import { choose } from "./bench/experiments.js";
import { failover } from "./bench/failover.js";
import { floods } from "./bench/flood.js";
import { hogs } from "./bench/hogs.js";
import { indices } from "./bench/indices.js";
import { latency } from "./bench/latency.js";
import { leader } from "./bench/leader.js";
import { leaks, leaksTogether } from "./bench/leaks.js";
import { queueing } from "./bench/queueing.js";
import { idle, memory } from "./bench/resident.js";
import { sampling } from "./bench/sampling.js";
import { record } from "./bench/section.js";
import { waterfall } from "./bench/waterfall.js";
import { bench, OUT } from "./commands/bench.js";
import { CommandError, main, UsageError } from "./commands/support.js";

const SECTIONS = [
  latency,
  waterfall,
  queueing,
  bulk,
  build,
  exec,
  memory,
  idle,
  leaks,
  leaksTogether,
  leader,
  failover,
  floods,
  hogs,
  indices,
  sampling,
];

async function run(names: readonly string[]): Promise<void> {
  const sections = SECTIONS.filter(({ name }) => names.length === 0 || names.includes(name));
  const others = names.filter((name) => !SECTIONS.some((one) => one.name === name));
  // Looked up before anything is measured: a wrong name is said at once.
  const chosen = names.length === 0 || others.length > 0 ? named(others) : [];
  let failed = 0;
  for (const section of sections) {
    console.log(`${section.title} ...`);
    try {
      const text = await section.run();
      console.log(`${text}\n`);
      record(section, text);
    } catch (error) {
      console.error(
        `pants-bench: ${section.name}: ${error instanceof Error ? error.message : String(error)}`,
      );
      failed += 1;
    }
  }
  if (chosen.length > 0) await bench({ names: chosen.map(({ name }) => name), out: OUT });
  if (failed > 0) throw new CommandError(`${failed} sections failed`);
}

/** @throws {UsageError} */
function named(names: readonly string[]): readonly Experiment[] {
  try {
    return choose(names);
  } catch (error) {
    const sections = SECTIONS.map(({ name }) => name).join(", ");
    throw new UsageError(`${(error as Error).message}; and the sections ${sections}`);
  }
}

await main("pants-bench", () => run(process.argv.slice(2)));
