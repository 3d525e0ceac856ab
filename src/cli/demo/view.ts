/** Shows a build while it runs: a panel on a terminal, plain lines elsewhere. */
import type { Lab } from "../../lab/lab.js";
import type { Compile } from "./compiles.js";
import { compilesNow } from "./compiles.js";

const EVERY_MS = 150;
/** Carriage up, and clear to the end of the screen. */
const up = (lines: number): string => (lines > 0 ? `\x1b[${lines}A\x1b[J` : "");

/** Watches until `stop` is called, which returns how long the build has been watched, in seconds. */
export function watchBuild(lab: Lab, out: NodeJS.WriteStream): { stop: () => number } {
  const began = performance.now();
  const seconds = (): string => `${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s`;
  const seen = new Set<number>();
  let drawn = 0;
  const panel = (now: readonly Compile[]): void => {
    const width = Math.max(40, out.columns) - 1;
    const lines = lab.hosts.map(({ name }) => {
      const here = now.filter(({ host }) => host === name).map(({ what }) => what);
      return `${seconds()}  ${name}  ${here.join(", ") || "-"}`.slice(0, width);
    });
    out.write(`${up(drawn)}${lines.join("\n")}\n`);
    drawn = lines.length;
  };
  const list = (now: readonly Compile[]): void => {
    for (const { pid, host, what } of now) {
      if (!seen.has(pid)) out.write(`${seconds()}  ${host}  ${what}\n`);
      seen.add(pid);
    }
  };
  const timer = setInterval(() => (out.isTTY ? panel : list)(compilesNow(lab)), EVERY_MS);
  return {
    stop: () => {
      clearInterval(timer);
      if (out.isTTY) out.write(up(drawn));
      return (performance.now() - began) / 1000;
    },
  };
}
