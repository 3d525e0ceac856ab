/** What a build with PANTS came to, beside the same build without. */
import type { Lab } from "../../lab/lab.js";
import { table } from "../commands/table.js";
import type { Built } from "./build.js";
import type { Decided } from "./compiles.js";
import { differences } from "./workspace.js";

/** Of the compiles that found their home host full, at least so many must have run elsewhere. */
const SHARE_WANTED = 2 / 3;

const percent = (part: number, whole: number): string =>
  whole === 0 ? "-" : `${((100 * part) / whole).toFixed(0)} %`;

/** The table at the end. */
export function report(lab: Lab, plain: Built, pants: Built, went: Decided, cpu: readonly number[]): string {
  const total = plain.outputs.size;
  const rows = lab.hosts.map(({ name }, i) => {
    const jobs = went.byHost.get(name) ?? 0;
    const seconds = cpu[i] ?? Number.NaN;
    const used = Number.isNaN(seconds) ? "-" : `${seconds.toFixed(1)} s`;
    return [name, String(jobs), percent(jobs, total), used];
  });
  const equal = differences(plain.outputs, pants.outputs).length === 0;
  const [without, with_] = [plain.ms / 1000, pants.ms / 1000];
  const lines = [
    "",
    table(["HOST", ">COMPILES", ">SHARE", ">CPU TIME"], rows),
    "",
    `without PANTS       ${without.toFixed(1)} s on n1 alone`,
    `with PANTS          ${with_.toFixed(1)} s on ${lab.hosts.length} hosts`,
    `speed-up            ${(without / with_).toFixed(2)} x`,
    `run remotely        ${went.remote} of ${total} compiles (${percent(went.remote, total)})`,
    `run at home         ${went.homeWasFree} found a free slot there${[...went.homeAfterAll]
      .map(([why, count]) => `; ${count}: ${why}`)
      .join("")}`,
    `outputs             ${equal ? `all ${total} object files are equal, byte for byte` : "DIFFER"}`,
  ];
  return lines.join("\n");
}

/** What is wrong with the result; empty when it is what PANTS promises. */
export function verdict(plain: Built, pants: Built, went: Decided): string[] {
  const different = differences(plain.outputs, pants.outputs);
  const wrong = different.map((file) => `${file} is not the same as without PANTS`);
  const found = went.remote + [...went.homeAfterAll.values()].reduce((sum, n) => sum + n, 0);
  if (went.remote < SHARE_WANTED * found) {
    wrong.push(`only ${went.remote} of the ${found} compiles that found n1 full ran on other hosts`);
  }
  return wrong;
}
