/** Compares the policies by simulation and writes the section in docs/load.md. The same seeds, the same figures. */
import { writeFigures } from "../figures/page.js";
import { alpha, children, childrenToday, micro, today } from "./micro.js";
import { section } from "./section.js";
import { swings, swung } from "./swing.js";
import { type MicroRow, policies, type SwingRow } from "./tables.js";

const seeds = [1, 2, 3, 4, 5];
const microHosts = [
  { hosts: "the paper's", host: alpha, works: children },
  { hosts: "today's", host: today, works: childrenToday },
];

function measureMicro(): MicroRow[] {
  return microHosts.flatMap(({ hosts, host, works }) =>
    (["cpu", "io", "memory"] as const).flatMap((which) =>
      policies.map((policy) => {
        const runs = seeds.map((seed) => micro({ micro: which, policy, seed, host, work: works[which] }));
        console.error(`micro benchmark: ${hosts}, ${which}, ${policy}`);
        return { hosts, micro: which, policy, runs };
      }),
    ),
  );
}

function measureSwings(): SwingRow[] {
  return Object.entries(swings).map(([name, swing]) => {
    const of = (policy: (typeof policies)[number]) =>
      seeds.map((seed) => swung({ swing, policy, seed, minutes: 5 }));
    return { name, runs: { cpu: of("cpu"), multi: of("multi"), adaptive: of("adaptive") } };
  });
}

writeFigures("docs/load.md", section({ micro: measureMicro(), swings: measureSwings() }));
