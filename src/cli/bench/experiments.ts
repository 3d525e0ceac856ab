/** All that `pants bench` can run, in the order in which it does. */
import { UsageError } from "../commands/support.js";
import { batch } from "./batch.js";
import type { Experiment } from "./experiment.js";
import { kernel } from "./kernel/kernel.js";
import { loading } from "./loading.js";
import { micros } from "./micro/micro.js";
import { scaling } from "./scaling.js";

export const experiments: readonly Experiment[] = [...micros, kernel, scaling, loading, batch];

/** By name, or all of a kind (`micro` is every `micro-...`); none named: all. @throws {UsageError} */
export function choose(names: readonly string[]): readonly Experiment[] {
  const is = (wanted: string, name: string): boolean => name === wanted || name.startsWith(`${wanted}-`);
  const unknown = names.filter((wanted) => !experiments.some(({ name }) => is(wanted, name)));
  if (unknown.length > 0) {
    const known = experiments.map(({ name }) => name).join(", ");
    throw new UsageError(`no experiment ${unknown.join(", ")}: there are ${known}`);
  }
  return experiments.filter(({ name }) => names.length === 0 || names.some((wanted) => is(wanted, name)));
}
