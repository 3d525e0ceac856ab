/** Records by experiment and variant, with the spread of their times. */
import type { RunRecord } from "../records.js";
import { type Statistics, statistics } from "./statistics.js";

export interface VariantSummary {
  readonly variant: string;
  /** Those that went well; at least one. */
  readonly runs: readonly RunRecord[];
  readonly seconds: Statistics;
  /** How many times as fast as the experiment's first variant, by medians. */
  readonly speed: number;
  /** The run of median time (of an even number the faster one): its load curves stand for all. */
  readonly middle: RunRecord;
  /** Undefined where nothing was compared. */
  readonly outputsEqual: boolean | undefined;
}

export interface ExperimentSummary {
  readonly name: string;
  readonly variants: readonly VariantSummary[];
  /** What failed, or was not to be had. */
  readonly failed: readonly RunRecord[];
}

/** In the order in which the records first name them. */
export function summarise(records: readonly RunRecord[]): ExperimentSummary[] {
  return [...grouped(records, ({ experiment }) => experiment)].map(([name, all]) => {
    const good = [...grouped(all, ({ variant }) => variant)]
      .map(([variant, runs]) => [variant, runs.filter(({ ok }) => ok)] as const)
      .filter(([, runs]) => runs.length > 0);
    const first = statistics(good[0]?.[1].map(({ seconds }) => seconds) ?? [Number.NaN]).median;
    const variants = good.map(([variant, runs]) => summaryOf(variant, runs, first));
    return { name, variants, failed: all.filter(({ ok }) => !ok) };
  });
}

function summaryOf(variant: string, runs: readonly RunRecord[], first: number): VariantSummary {
  const seconds = statistics(runs.map((one) => one.seconds));
  const sorted = [...runs].sort((a, b) => a.seconds - b.seconds);
  const middle = sorted[(sorted.length - 1) >> 1];
  if (!middle) throw new RangeError("no runs");
  const told = runs.flatMap(({ outputsEqual }) => (outputsEqual === undefined ? [] : [outputsEqual]));
  const outputsEqual = told.length === 0 ? undefined : told.every(Boolean);
  return { variant, runs, seconds, speed: first / seconds.median, middle, outputsEqual };
}

export function grouped<T>(values: readonly T[], key: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of values) {
    const group = groups.get(key(one));
    if (group) group.push(one);
    else groups.set(key(one), [one]);
  }
  return groups;
}

/** `4 hosts of 0.5 CPU each`. */
export function hostsWords({ hosts, cpus }: Pick<RunRecord, "hosts" | "cpus">): string {
  const each = cpus === 0 ? "" : ` of ${cpus} ${cpus <= 1 ? "CPU" : "CPUs"}${hosts === 1 ? "" : " each"}`;
  return `${hosts} ${hosts === 1 ? "host" : "hosts"}${each}`;
}

/** `3 runs each`, or from the fewest to the most. */
export function runsWords(variants: readonly VariantSummary[]): string {
  const counts = variants.map(({ runs }) => runs.length);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const range = least === most ? String(most) : `${least} to ${most}`;
  return `${range} ${most === 1 ? "run" : "runs"}${variants.length === 1 ? "" : " each"}`;
}
