/** A folder of results belongs to one set of hosts: records of different ones beside each other would say nothing. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, hostname, release, totalmem } from "node:os";
import { join } from "node:path";
import { CommandError } from "../commands/support.js";
import type { Experiment, Settings } from "./experiment.js";

/** What is the same for all records of a folder, and on what machine they were made. */
export interface About {
  readonly machine: string;
  readonly place: Settings["place"];
  readonly hosts: Settings["hosts"];
  /** Null: not given. */
  readonly cpus: number | null;
  readonly small: boolean;
  /** `--set` by experiment. */
  readonly options: Readonly<Record<string, Settings["options"]>>;
}

const fileOf = (folder: string): string => join(folder, "about.json");

/** The machine that the bench runs on, in a line. */
export function machine(): string {
  const [first, all] = [cpus()[0]?.model.trim() ?? "unknown", cpus().length];
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  return `${hostname()}: ${all} CPUs (${first}), ${memory} GiB, Linux ${release()}, Node ${process.version}`;
}

export function aboutOf(folder: string): About | undefined {
  return existsSync(fileOf(folder)) ? (JSON.parse(readFileSync(fileOf(folder), "utf8")) as About) : undefined;
}

/** The options that an experiment knows. */
export const optionsOf = ({ options }: Experiment, settings: Settings): Settings["options"] =>
  Object.fromEntries(Object.entries(settings.options).filter(([name]) => name in options));

/** Takes a folder for experiments with these settings. @throws {CommandError} when it has results of others. */
export function claim(folder: string, settings: Settings, experiments: readonly Experiment[]): void {
  const { place, hosts, cpus: each = null, small } = settings;
  const options = Object.fromEntries(experiments.map((one) => [one.name, optionsOf(one, settings)]));
  const about: About = { machine: machine(), place, hosts, cpus: each, small, options };
  const old = aboutOf(folder);
  if (old) {
    const keys = (["place", "hosts", "cpus", "small"] as const).filter((key) => !same(old[key], about[key]));
    const names = Object.keys(options).filter(
      (name) => old.options[name] && !same(old.options[name], options[name]),
    );
    const words = [
      ...keys.map((key) => `${key} ${JSON.stringify(old[key])}`),
      ...names.map((name) => `${name} with --set ${JSON.stringify(old.options[name])}`),
    ];
    if (words.length > 0)
      throw new CommandError(
        `${folder} has results of ${words.join(", ")}: ask for the same, or name another --out`,
      );
  }
  const all: About = { ...(old ?? about), options: { ...old?.options, ...options } };
  writeFileSync(fileOf(folder), `${JSON.stringify(all, null, 2)}\n`);
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
