/** Runs targets for so many inputs, and keeps count. */
import { datagramTargets } from "./datagrams.js";
import { fileTargets } from "./files.js";
import { linkTargets } from "./links.js";
import { localTargets } from "./local.js";
import { Chance } from "./random.js";
import type { Session, Target } from "./target.js";

export const targets: readonly Target[] = [
  ...datagramTargets,
  ...linkTargets,
  ...localTargets,
  ...fileTargets,
];

/** One input may take so long, ms: far more than any does, far less than a decoder that has run away. */
export const inputMsMax = 1000;

export interface Outcome {
  readonly name: string;
  readonly inputs: number;
  readonly ms: number;
  /** Of the slowest input. */
  readonly worstMs: number;
  /** What did not hold, with the input; empty when all did. */
  readonly finding: string;
}

/** How many of `total` inputs a target gets; at least one. */
export function inputsFor(target: Target, total: number): number {
  const shares = targets.reduce((sum, { share }) => sum + share, 0);
  return Math.max(1, Math.round((total * target.share) / shares));
}

/** Gives a target so many inputs; stops at the first for which something does not hold. */
export function run(target: Target, inputs: number, seed: number): Outcome {
  const began = performance.now();
  const session = target.start(new Chance(seed));
  let worstMs = 0;
  let done = 0;
  let finding = "";
  try {
    for (; done < inputs; done++) {
      const before = performance.now();
      session.once();
      worstMs = Math.max(worstMs, performance.now() - before);
    }
    session.end?.();
  } catch (error) {
    finding = report(session, error);
  }
  if (finding === "" && worstMs > inputMsMax) finding = `an input took ${Math.round(worstMs)} ms`;
  return { name: target.name, inputs: done, ms: performance.now() - began, worstMs, finding };
}

function report({ input }: Session, error: unknown): string {
  const shown = typeof input === "string" ? JSON.stringify(input) : input.toString("hex");
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `${text}\ninput: ${shown.slice(0, 4000)}`;
}
