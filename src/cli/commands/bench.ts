/** pants bench: measures what PANTS gains on these hosts, and writes a report. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { askPantsd } from "../../io/control-client.js";
import { pantsdSocket, runtimeDir } from "../../io/paths.js";
import { isHostName } from "../../io/rsh.js";
import type { Experiment, Settings } from "../bench/experiment.js";
import { choose, experiments } from "../bench/experiments.js";
import { aboutOf, claim } from "../bench/folder.js";
import { Records } from "../bench/records.js";
import { writeReport } from "../bench/report/write.js";
import { runExperiment } from "../bench/runner.js";
import { policies } from "./set.js";
import { CommandError, print, UsageError } from "./support.js";

export interface BenchOptions {
  readonly names: readonly string[];
  readonly runs?: number | undefined;
  readonly only?: readonly string[] | undefined;
  readonly small?: boolean | undefined;
  readonly out: string;
  readonly again?: boolean | undefined;
  readonly lab?: number | undefined;
  readonly cpus?: number | undefined;
  readonly hosts?: string | undefined;
  readonly policies?: string | undefined;
  readonly dir?: string | undefined;
  readonly set?: readonly string[] | undefined;
  readonly report?: boolean | undefined;
}

/** The folder of results where none is named. */
export const OUT = "pants-bench-results";

/** Hosts of a lab where none are named. */
const LAB_HOSTS = 4;
const SMALL_HOSTS = 2;

export async function bench(options: BenchOptions): Promise<void> {
  const chosen = choose(options.names);
  const { runs = options.small ? 1 : 3, only, again = false } = options;
  if (!(Number.isInteger(runs) && runs > 0)) throw new UsageError("--runs: how often, 1 or more");
  const out = resolve(options.out);
  mkdirSync(out, { recursive: true });
  const records = new Records(out);
  const failed = options.report ? 0 : await measure(chosen, options, { runs, only, again, out, records });
  const { page, figures, trouble } = await writeReport(out, aboutOf(out), records.all, experiments);
  print(`${page}, with ${figures} figures`);
  if (trouble) process.stderr.write(`pants: ${trouble}\n`);
  if (failed > 0) throw new CommandError(`${failed} runs failed; the report says which and why`);
}

interface Measuring {
  readonly runs: number;
  readonly only: readonly string[] | undefined;
  readonly again: boolean;
  readonly out: string;
  readonly records: Records;
}

/** Runs what is missing, and tears down in any case. Returns how many runs failed. */
async function measure(
  chosen: readonly Experiment[],
  options: BenchOptions,
  { runs, only, again, out, records }: Measuring,
): Promise<number> {
  const stopping = new AbortController();
  const stop = (name: NodeJS.Signals): void => {
    stopping.abort(new CommandError(`${name}: stopped; what was measured is on record in ${out}`));
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of signals) process.on(name, stop);
  const place = await placeOf(options);
  const folder = mkdtempSync(join(folderOf(options, place), "pants-bench-"));
  try {
    const settings: Settings = { ...place, folder, options: setOptions(chosen, options.set ?? []) };
    checkOnly(only ?? [], chosen, settings);
    claim(out, settings, chosen);
    print(`${placeWords(place)}; results in ${out}`);
    let failed = 0;
    for (const experiment of chosen)
      failed += await runExperiment(experiment, settings, records, {
        ...{ runs, only, again, say: print },
        signal: stopping.signal,
      });
    return failed;
  } finally {
    for (const name of signals) process.off(name, stop);
    rmSync(folder, { recursive: true, force: true });
  }
}

type Place = Omit<Settings, "folder" | "options">;

/** A lab if one is asked for, or for root where no pantsd runs; else the cluster of this host. */
async function placeOf(options: BenchOptions): Promise<Place> {
  const { cpus, small = false } = options;
  const asked = options.policies?.split(",");
  const odd = asked?.find((one) => !policies.some((policy) => policy === one));
  if (odd !== undefined) throw new UsageError(`--policies: ${odd}: no such policy: ${policies.join(", ")}`);
  if (cpus !== undefined && !(cpus > 0)) throw new UsageError("--cpus: CPUs of each host of a lab, above 0");
  const cluster = options.lab === undefined && (options.hosts !== undefined || (await daemonHere()));
  if (!cluster) {
    const hosts = options.lab ?? (small ? SMALL_HOSTS : LAB_HOSTS);
    if (!(Number.isInteger(hosts) && hosts > 0)) throw new UsageError("--lab: how many hosts, 1 or more");
    if (process.getuid?.() !== 0)
      throw new CommandError(
        "no pantsd runs here, and a lab needs root: start pantsd, or run this as root for hosts in namespaces",
      );
    return { place: "lab", hosts, cpus, small, policies: asked ?? ["cpu", "multi", "adaptive"] };
  }
  const names = options.hosts?.split(",") ?? [];
  const strange = names.find((name) => !isHostName(name));
  if (strange !== undefined) throw new UsageError(`--hosts: ${strange}: not a host name`);
  return { place: "cluster", hosts: names, cpus: undefined, small, policies: asked ?? [] };
}

function placeWords({ place, hosts }: Place): string {
  if (place === "lab") return `on a lab of ${String(hosts)} hosts on this machine`;
  const names = typeof hosts === "number" ? [] : hosts;
  return `on the cluster of this host${names.length > 0 ? `: ${names.join(", ")}` : ""}`;
}

async function daemonHere(): Promise<boolean> {
  const answer = await askPantsd(pantsdSocket(runtimeDir()), { t: "status", id: 1 }).catch(() => undefined);
  return answer !== undefined;
}

/** Where the work folder goes: all hosts of a lab see /tmp, those of a cluster share what the user says. */
const folderOf = ({ dir }: BenchOptions, { place }: Place): string =>
  realpathSync(dir ?? (place === "lab" ? tmpdir() : process.cwd()));

/** @throws {UsageError} for a variant that none of the experiments has. */
function checkOnly(only: readonly string[], chosen: readonly Experiment[], settings: Settings): void {
  const known = chosen.flatMap((experiment) => experiment.variants(settings));
  const unknown = only.find((one) => !known.includes(one));
  if (unknown !== undefined)
    throw new UsageError(`--only ${unknown}: no such variant: there are ${[...new Set(known)].join("; ")}`);
}

function setOptions(chosen: readonly Experiment[], words: readonly string[]): Record<string, string> {
  const known = new Set(chosen.flatMap(({ options }) => Object.keys(options)));
  return Object.fromEntries(
    words.map((word) => {
      const [, name = "", value = ""] = /^([^=]+)=(.*)$/.exec(word) ?? [];
      if (!known.has(name)) throw new UsageError(`--set ${word}: NAME=VALUE of ${[...known].join(", ")}`);
      return [name, value] as const;
    }),
  );
}
