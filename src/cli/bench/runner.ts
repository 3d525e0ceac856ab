/** Runs experiments: variants by turns, so that whatever else the machine does falls on all of them; says how far it is. */
import { span } from "../commands/table.js";
import { type Experiment, type Outcome, type Settings, Unavailable } from "./experiment.js";
import type { Records, RunRecord } from "./records.js";

export interface RunnerOptions {
  readonly runs: number;
  /** Only these variants; default: all. */
  readonly only?: readonly string[] | undefined;
  /** Also what is on record. */
  readonly again: boolean;
  /** A line of progress. */
  readonly say: (line: string) => void;
  /** Aborted: the run under way is given up, what it started is torn down. */
  readonly signal: AbortSignal;
}

/** One run that is to be done. */
interface Turn {
  readonly variant: string;
  readonly run: number;
}

/** The runs of an experiment that are not on record, first runs of all variants first. */
export function turns(
  { name, variants }: Pick<Experiment, "name" | "variants">,
  settings: Settings,
  records: Pick<Records, "has">,
  { runs, only, again }: Pick<RunnerOptions, "runs" | "only" | "again">,
): Turn[] {
  const chosen = variants(settings).filter((variant) => only?.includes(variant) ?? true);
  const all = Array.from({ length: runs }, (_, i) =>
    chosen.map((variant) => ({ variant, run: i + 1 })),
  ).flat();
  return again ? all : all.filter((turn) => !records.has({ experiment: name, ...turn }));
}

/** Runs what is missing of one experiment. Returns how many runs failed. */
export async function runExperiment(
  experiment: Experiment,
  settings: Settings,
  records: Records,
  options: RunnerOptions,
): Promise<number> {
  const { say, signal } = options;
  const left = turns(
    { name: experiment.name, variants: (s) => experiment.variants(s) },
    settings,
    records,
    options,
  );
  if (left.length === 0) {
    say(`${experiment.name}: all on record`);
    return 0;
  }
  say(`${experiment.name}: ${experiment.title}`);
  try {
    await orAborted(experiment.setUp(settings), signal);
    return await runTurns(experiment, settings, records, options, left);
  } catch (error) {
    if (signal.aborted) throw error;
    records.add(failure(experiment.name, { variant: "", run: 0 }, settings, new Date(), error));
    say(`${experiment.name}: not measured: ${words(error)}`);
    return error instanceof Unavailable ? 0 : left.length;
  } finally {
    await experiment.tearDown();
  }
}

async function runTurns(
  experiment: Experiment,
  settings: Settings,
  records: Records,
  { say, signal }: RunnerOptions,
  left: readonly Turn[],
): Promise<number> {
  const hopeless = new Set<string>();
  const began = performance.now();
  let failed = 0;
  for (const [i, turn] of left.entries()) {
    if (hopeless.has(turn.variant)) continue;
    signal.throwIfAborted();
    const { variant, run } = turn;
    const startedAt = new Date();
    let told: string;
    try {
      const outcome = await orAborted(experiment.run(variant, run), signal);
      records.add(success(experiment.name, turn, startedAt, outcome));
      told = `${outcome.seconds.toFixed(2)} s${outcome.outputsEqual === false ? ", OUTPUTS DIFFER" : ""}`;
    } catch (error) {
      if (signal.aborted) throw error;
      if (error instanceof Unavailable) hopeless.add(variant);
      else failed += 1;
      records.add(failure(experiment.name, turn, settings, startedAt, error));
      told = `${error instanceof Unavailable ? "not measured" : "FAILED"}: ${words(error)}`;
    }
    const more = left.length - i - 1;
    const rest =
      more > 0 ? `; ${more} left, about ${span(((performance.now() - began) / (i + 1)) * more)}` : "";
    say(`  ${experiment.name} ${variant}, run ${run}: ${told}${rest}`);
  }
  return failed;
}

function success(experiment: string, turn: Turn, startedAt: Date, outcome: Outcome): RunRecord {
  const { startedMs = startedAt.getTime(), seconds, hosts, cpus, policy, outputsEqual } = outcome;
  return {
    experiment,
    ...turn,
    ...{ hosts, cpus, policy, seconds, ok: true },
    startedAt: new Date(startedMs).toISOString(),
    ...(outputsEqual === undefined ? {} : { outputsEqual }),
    detail: outcome.detail ?? {},
    load: outcome.load ?? [],
  };
}

function failure(
  experiment: string,
  turn: Turn,
  { hosts, cpus }: Settings,
  startedAt: Date,
  error: unknown,
): RunRecord {
  return {
    experiment,
    ...turn,
    hosts: typeof hosts === "number" ? hosts : hosts.length,
    cpus: cpus ?? 0,
    policy: "",
    startedAt: startedAt.toISOString(),
    seconds: (Date.now() - startedAt.getTime()) / 1000,
    ...{ ok: false, error: words(error), detail: {}, load: [] },
  };
}

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The promise, or the abortion if that comes first; what the promise comes to then is nobody's business. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  promise.catch(() => undefined);
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
