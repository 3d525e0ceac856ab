/** What the shim costs the programs that it is loaded into: bench/exec/bench.sh, some times over. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { packageRoot } from "../../io/paths.js";
import type { Section } from "./section.js";
import { markdown } from "./section.js";

const ROUNDS = 5;

/** One line of bench.sh: a median in nanoseconds, or two to compare. */
interface Line {
  readonly what: string;
  readonly ns?: number;
  readonly without_ns?: number;
  readonly with_ns?: number;
}

/** Medians by `what`, each the median of all rounds. */
function measure(): Map<string, number> {
  const all = new Map<string, number[]>();
  const add = (what: string, ns: number | undefined): void => {
    if (ns !== undefined) all.set(what, [...(all.get(what) ?? []), ns]);
  };
  for (let round = 0; round < ROUNDS; round++) {
    const text = execFileSync("sh", [join(packageRoot, "bench", "exec", "bench.sh")], { encoding: "utf8" });
    for (const line of text.trim().split("\n")) {
      const { what, ns, without_ns, with_ns } = JSON.parse(line) as Line;
      add(what, ns);
      add(`${what}, without the shim`, without_ns);
      add(`${what}, with the shim`, with_ns);
    }
  }
  const middle = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
  return new Map([...all].map(([what, values]) => [what, middle(values)]));
}

function run(): Promise<string> {
  const rows = [...measure()].map(([what, ns]) => [what, (ns / 1000).toFixed(2)]);
  const text = `Medians of ${ROUNDS} rounds. An execve is timed from its call until the real one.`;
  return Promise.resolve(`${text}\n\n${markdown(["", "microseconds"], rows)}`);
}

export const exec: Section = { name: "exec", title: "The shim", run };
