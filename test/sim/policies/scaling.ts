/** Simulates a build on up to a thousand hosts and writes the section in docs/bench.md. The same seeds, the same figures. */
import { writeFigures } from "../figures/page.js";
import { mean } from "../figures/stats.js";
import { type BuildCosts, build } from "./build.js";

const seeds = [1, 2];
const sizes = [1, 2, 4, 8, 16, 64, 256, 1000];
/** More take the simulator minutes, and gain nothing. */
const sizesLarge = [1, 4, 16, 64];

/** As measured on a kernel's tinyconfig in the lab: CPU time of a whole core. */
const kernel: BuildCosts = { compiles: 450, compileMs: 200, stepMs: 40, sendMs: 6, aloneMs: 8000 };
/** The same costs at home, compiles as of a large C++ program. */
const large: BuildCosts = { ...kernel, compiles: 4000, compileMs: 2000 };

const count = (n: number): string => n.toLocaleString("en");

function table(cpus: number, costs: BuildCosts, hosts: readonly number[]): string {
  const rows = hosts.map((size) => {
    const ms = mean(seeds.map((seed) => build({ seed, hosts: size, cpus, costs })));
    console.error(`scaling: ${costs.compiles} compiles, ${size} hosts of ${cpus}`);
    return { size, ms };
  });
  const one = rows[0]?.ms ?? Number.NaN;
  const lines = rows.map(
    ({ size, ms }) => `| ${count(size)} | ${(ms / 1000).toFixed(1)} | ${(one / ms).toFixed(1)} |`,
  );
  const { compiles, compileMs, stepMs, sendMs, aloneMs } = costs;
  const home = compiles * (stepMs + sendMs) + aloneMs;
  const all = compiles * (stepMs + compileMs) + aloneMs;
  return `${count(compiles)} compiles of ${compileMs} ms each on hosts of ${cpus} of a core; home's own part is ${(home / 1000).toFixed(0)} of ${(all / 1000).toFixed(0)} CPU s, so that
no number of hosts makes it more than ${(all / home).toFixed(1)} times as fast:

| hosts | seconds | times as fast |
| ---: | ---: | ---: |
${lines.join("\n")}`;
}

writeFigures(
  "docs/bench.md",
  `By simulation (\`make figures-load\` measures again; means of ${seeds.length} seeds): production code are policies, load watch, prexd's queue and the
core; what a compile, its step of make (shell, nm, fixdep) and its sending cost at home is as measured in the lab on a kernel's
tinyconfig. Two compiles under way for each host. Jobs are not sent ahead in this model. Some seeds of 4,000
compiles on 4 hosts take up to a quarter longer than the others: of ten, the mean is 2,209 s (1,997 to 2,515).

${table(0.25, kernel, [1, 2, 4, 8])}

${table(1, kernel, sizes)}

${table(1, large, sizesLarge)}

`,
);
