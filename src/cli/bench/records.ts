/** What runs of experiments came to: one line of JSON a run in a folder of results, so that a bench that was killed goes on. */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { IndexName } from "../../core/indices.js";

/** The load of one host during a run. */
export interface Curve {
  readonly host: string;
  /** Middles of the sampling intervals, seconds since the run began; may be negative or past its end. */
  readonly t: readonly number[];
  /** As many values, in the index's unit; null where the host could not tell. */
  readonly indices: Readonly<Partial<Record<IndexName, readonly (number | null)[]>>>;
}

export type Detail = Readonly<Record<string, number | string>>;

/** One run of one variant. */
export interface RunRecord {
  readonly experiment: string;
  readonly variant: string;
  /** 1 to n; 0 when the whole experiment could not be had. */
  readonly run: number;
  readonly hosts: number;
  /** CPUs that each host may use; 0 = not the same for all, or not known. */
  readonly cpus: number;
  /** The hosts' policy; empty where PANTS took no part. */
  readonly policy: string;
  /** Wall clock at its beginning, ISO 8601. */
  readonly startedAt: string;
  readonly seconds: number;
  readonly ok: boolean;
  /** Why it failed, or was not to be had. */
  readonly error?: string;
  /** Whether what it made is what the others made; absent where nothing is compared. */
  readonly outputsEqual?: boolean;
  /** Whatever else is worth a column. */
  readonly detail: Detail;
  readonly load: readonly Curve[];
}

/** Names a run among all. */
export type RunKey = Pick<RunRecord, "experiment" | "variant" | "run">;

/** A value of a load curve by itself, as it goes into CSV. */
export interface LoadPoint extends RunKey {
  readonly t: number;
  readonly host: string;
  readonly index: IndexName;
  readonly value: number;
}

export const runsFile = (folder: string): string => join(folder, "runs.jsonl");

const keyOf = ({ experiment, variant, run }: RunKey): string => JSON.stringify([experiment, variant, run]);

export class Records {
  readonly #file: string;
  /** By key: a later line is in place of an earlier one. */
  readonly #runs = new Map<string, RunRecord>();

  /** Reads what is in a folder; makes it if need be. */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#file = runsFile(folder);
    for (const one of readLines(this.#file)) this.#runs.set(keyOf(one), one);
  }

  /** Whether a run is on record and went well: one that failed is tried again. */
  has(key: RunKey): boolean {
    return this.#runs.get(keyOf(key))?.ok === true;
  }

  /** Puts a run on record; it is on the disk when this returns. */
  add(one: RunRecord): void {
    const fd = openSync(this.#file, "a");
    try {
      // The newline first ends a line that was torn by a crash; empty lines are skipped.
      writeSync(fd, `\n${JSON.stringify(one)}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    this.#runs.set(keyOf(one), one);
  }

  /** In the order of their first recording. */
  get all(): readonly RunRecord[] {
    return [...this.#runs.values()];
  }
}

function readLines(file: string): RunRecord[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return text.split("\n").flatMap((line) => {
    try {
      return line === "" ? [] : [JSON.parse(line) as RunRecord];
    } catch {
      return []; // Torn: that run counts as never done.
    }
  });
}

/** Every value of a run's load curves. */
export function loadPoints(one: RunRecord): LoadPoint[] {
  const { experiment, variant, run, load } = one;
  return load.flatMap(({ host, t, indices }) =>
    Object.entries(indices).flatMap(([index, values]) =>
      values.flatMap((value, i) =>
        value === null
          ? []
          : [{ experiment, variant, run, t: t[i] ?? 0, host, index: index as IndexName, value }],
      ),
    ),
  );
}
