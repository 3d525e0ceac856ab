/** Runs a seed, and says what there is to say about it. */
import { type Scenario, scenario, words } from "./scenario.js";
import { Soak, type SoakOptions } from "./soak.js";
import { Violation } from "./violation.js";

/** What happened in a run, to see that the faults bite. */
export interface Counts {
  readonly hosts: number;
  readonly virtualMs: number;
  readonly jobs: number;
  readonly there: number;
  readonly refused: number;
  readonly lost: number;
  readonly granted: number;
  readonly denied: number;
  readonly silent: number;
  readonly datagrams: number;
  readonly rejected: number;
  readonly forged: number;
  readonly replayed: number;
  readonly answersToBusy: number;
}

export type Outcome =
  | { readonly ok: true; readonly counts: Counts }
  | { readonly ok: false; readonly failure: string };

/** Last lines of a transcript that are shown. */
const lastLines = 60;

/** @param prepare changes a world before it starts: for a defect that must be found, say */
export function run(seed: number, options: SoakOptions = {}, prepare?: (soak: Soak) => void): Outcome {
  const drawn = scenario(seed);
  const failure = attempt(drawn, options, prepare);
  if (!(failure instanceof Error)) return { ok: true, counts: failure };
  return { ok: false, failure: report(drawn, failure, options, prepare) };
}

/** Leaves out what is not needed for the same failure: the faults that are left explain it. */
export function shrink(seed: number): string {
  let drawn = scenario(seed);
  const first = attempt(drawn);
  if (!(first instanceof Violation)) return `seed ${seed}: nothing to shrink`;
  for (const fault of drawn.faults) {
    const fewer = { ...drawn, faults: drawn.faults.filter((other) => other !== fault) };
    const failure = attempt(fewer);
    if (failure instanceof Violation && failure.invariant === first.invariant) drawn = fewer;
  }
  const last = attempt(drawn);
  return last instanceof Error ? report(drawn, last) : `seed ${seed}: nothing to shrink`;
}

function attempt(drawn: Scenario, options: SoakOptions = {}, prepare?: (soak: Soak) => void): Counts | Error {
  const soak = new Soak(drawn, options);
  prepare?.(soak);
  try {
    soak.run();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
  return count(soak);
}

function report(
  drawn: Scenario,
  failure: Error,
  options: SoakOptions = {},
  prepare?: (soak: Soak) => void,
): string {
  const soak = new Soak(drawn, { ...options, tracing: true });
  prepare?.(soak);
  try {
    soak.run();
  } catch {
    // The same failure again: only its transcript is wanted.
  }
  const transcript = soak.world.lines.slice(-lastLines).join("\n");
  const what = failure instanceof Violation ? failure.message : (failure.stack ?? failure.message);
  const again = `make sim SEED=${drawn.seed}`;
  return `seed ${drawn.seed} failed at ${(soak.world.now / 1000).toFixed(3)} s: ${what}\n\n${words(drawn)}\n\n${transcript}\n\nto run it again: ${again}\n`;
}

function count({ scenario, world, ledger, watcher }: Soak): Counts {
  const { there, refused, lost } = ledger.counts;
  const { granted, denied, silent } = watcher.requests.counts;
  const datagrams = [...world.hosts.values()].reduce((sum, host) => sum + host.received, 0);
  return {
    hosts: scenario.hosts.length,
    virtualMs: world.now,
    jobs: ledger.total,
    there,
    refused,
    lost,
    granted,
    denied,
    silent,
    datagrams,
    ...watcher.counts,
  };
}
