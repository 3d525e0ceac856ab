/** What `pants bench` can run: an experiment has variants, each is run some times over. */
import type { Curve, Detail } from "./records.js";

/** What the user asked for, the same for all experiments. */
export interface Settings {
  /** On hosts in namespaces of this machine, or on the cluster that this host is in. */
  readonly place: "lab" | "cluster";
  /** Of a lab: how many. Of a cluster: the names, home first. */
  readonly hosts: number | readonly string[];
  /** CPUs that each host of a lab may use; undefined: as many as the experiment is about. */
  readonly cpus: number | undefined;
  /** Policies to compare. */
  readonly policies: readonly string[];
  /** All of it, in as little time as shows that it works; its figures mean nothing. */
  readonly small: boolean;
  /** A folder for what is built or copied, which all hosts see under one path. */
  readonly folder: string;
  /** `--set NAME=VALUE`, one of the names that the experiment has under `options`. */
  readonly options: Readonly<Record<string, string>>;
}

/** What a run came to; that it failed is thrown. */
export interface Outcome {
  readonly seconds: number;
  /** When that began, if not when the run did, ms since 1970: load curves count from here. */
  readonly startedMs?: number;
  readonly hosts: number;
  readonly cpus: number;
  /** Empty where PANTS took no part. */
  readonly policy: string;
  readonly outputsEqual?: boolean;
  readonly detail?: Detail;
  readonly load?: readonly Curve[];
}

export interface Experiment {
  /** On the command line. */
  readonly name: string;
  readonly title: string;
  /** A sentence or two for the report: what is measured. */
  readonly about: string;
  /** Names for `--set`, each with what it is and its default. */
  readonly options: Readonly<Record<string, string>>;
  variants(settings: Settings): readonly string[];
  /** Once, before all runs. @throws {Unavailable} where something that it needs is missing. */
  setUp(settings: Settings): Promise<void>;
  /** Once for each variant and number of run. @throws when it fails; {Unavailable} when it would fail each time. */
  run(variant: string, run: number): Promise<Outcome>;
  /** In any case, also in the middle of a run: ends all that it started and removes all that it made, but no results. */
  tearDown(): Promise<void>;
}

/** What cannot be measured here, and why: said, recorded, and no reason to stop the others. */
export class Unavailable extends Error {}
