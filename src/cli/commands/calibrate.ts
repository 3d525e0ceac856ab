/** pants calibrate: this host's own Table 2: what is usual at rest, and thresholds to set if they are to be static. */
import { setTimeout as sleep } from "node:timers/promises";
import { type IndexName, indexNames, indexUnits } from "../../core/indices.js";
import { cpuThreshold } from "../../core/policy/settings.js";
import { ConfigError } from "../../io/config.js";
import { editConfig } from "../../io/config-edit.js";
import { Sampler } from "../../io/indices/sampler.js";
import { configFile } from "../../io/paths.js";
import { CommandError, print, printJson, UsageError } from "./support.js";
import { table } from "./table.js";

const sampleMs = 1000;
/** Above this much CPU a host is not idle, and its baseline says little, percent. */
const idlePercent = 20;

export interface Proposal {
  readonly index: IndexName;
  readonly unit: string;
  /** Median, and the 95th percentile. */
  readonly baseline: number;
  readonly high: number;
  readonly threshold: number;
}

/**
 * From samples of one index. The paper's thresholds stand between 1.1 and 6 times above what it measured at rest, and far
 * above where that was next to nothing: this is the larger of four times the 95th percentile and the paper's own (Table 2),
 * which a host of today passes at rest only.
 */
export function propose(index: IndexName, values: readonly number[], least: number): Proposal {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  const threshold = index === "cpu" ? cpuThreshold : Math.max(least, roundUp(4 * at(0.95)));
  return { index, unit: indexUnits[index], baseline: at(0.5), high: at(0.95), threshold };
}

const leasts: Readonly<Record<IndexName, number>> = {
  cpu: cpuThreshold,
  io: 1000,
  ctxt: 6000,
  memory: 4000,
  intr: 6000,
  net: 1000,
};

/** To two digits. */
function roundUp(value: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, value))) - 1);
  return Math.ceil(value / unit) * unit;
}

export async function calibrate(options: {
  seconds: number;
  write?: boolean | undefined;
  json?: boolean | undefined;
}) {
  const { seconds, write, json } = options;
  if (!(Number.isInteger(seconds) && seconds >= 3 && seconds <= 3600))
    throw new UsageError("--seconds: 3 to 3600");
  const sampler = new Sampler();
  const seen = new Map<IndexName, number[]>(indexNames.map((name) => [name, []]));
  if (!json) process.stderr.write(`measuring ${sampler.world.words} for ${seconds} s: leave it alone\n`);
  for (let second = 0; second < seconds; second++) {
    await sleep(sampleMs);
    const sample = sampler.sample();
    for (const [name, values] of seen) {
      const value = sample[name];
      if (value !== null) values.push(value);
    }
  }
  const proposals = [...seen]
    .filter(([, values]) => values.length > 0)
    .map(([n, values]) => propose(n, values, leasts[n]));
  const idle = (proposals.find(({ index }) => index === "cpu")?.baseline ?? 0) < idlePercent;
  if (write && !idle)
    throw new CommandError("this host was not idle: nothing is written. Try again when it rests");
  if (write) set(proposals);
  if (json) printJson({ measured: sampler.world.words, seconds, idle, proposals });
  else {
    print(rows(proposals));
    if (!idle) print(`\nIts CPUs were not idle: measure again when it rests.`);
    else if (write) print(`\nWritten to ${configFile()}; in force within a second if pantsd runs.`);
    else print("\nTo take them: pants calibrate --write, or pants set threshold INDEX VALUE.");
  }
}

function rows(proposals: readonly Proposal[]): string {
  return table(
    ["INDEX", ">BASELINE", ">95 %", ">THRESHOLD", "UNIT"],
    proposals.map(({ index, baseline, high, threshold, unit }) => [
      index,
      ...[baseline, high, threshold].map((value) => String(Math.round(value))),
      unit,
    ]),
  );
}

function set(proposals: readonly Proposal[]): void {
  try {
    for (const { index, threshold } of proposals) editConfig(configFile(), "load", index, threshold);
  } catch (error) {
    if (error instanceof ConfigError) throw new CommandError(error.message);
    throw error;
  }
}
