/** `make bench`: measures what PANTS promises, and writes docs/benchmarks.md. Arguments: names of sections. */
import { build } from "./bench/build.js";
import { exec } from "./bench/exec.js";
import { failover } from "./bench/failover.js";
import { floods } from "./bench/flood.js";
import { hogs } from "./bench/hogs.js";
import { indices } from "./bench/indices.js";
import { latency } from "./bench/latency.js";
import { leader } from "./bench/leader.js";
import { leaks, leaksTogether } from "./bench/leaks.js";
import { idle, memory } from "./bench/resident.js";
import { sampling } from "./bench/sampling.js";
import { record } from "./bench/section.js";

const SECTIONS = [
  latency,
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

async function main(names: readonly string[]): Promise<number> {
  const known = SECTIONS.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    console.error(`pants-bench: no section ${unknown.join(", ")}: there are ${known.join(", ")}`);
    return 2;
  }
  let status = 0;
  for (const section of SECTIONS) {
    if (names.length > 0 && !names.includes(section.name)) continue;
    console.log(`${section.title} ...`);
    try {
      const text = await section.run();
      console.log(`${text}\n`);
      record(section, text);
    } catch (error) {
      console.error(
        `pants-bench: ${section.name}: ${error instanceof Error ? error.message : String(error)}`,
      );
      status = 1;
    }
  }
  return status;
}

process.exitCode = await main(process.argv.slice(2));
