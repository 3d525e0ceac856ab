/** Programs started again and again on a host, and timed by bench/latency/probe.c. */
import { LabError } from "../../lab/command.js";
import type { Host } from "../../lab/host.js";

/** What the probe says. */
export interface Timing {
  readonly count: number;
  readonly failed: number;
  readonly medianUs: number;
  readonly p99Us: number;
  readonly perSecond: number;
}

/** Starts `argv` so often, so many at a time. @throws {LabError} when one of them fails. */
export async function time(
  host: Host,
  program: string,
  argv: readonly string[],
  count: number,
  parallel: number,
): Promise<Timing> {
  const run = await host.run([program, String(count), String(parallel), ...argv], { timeoutMs: 300_000 });
  if (run.status !== 0) throw new LabError(`${argv.join(" ")}: ${run.stderr || String(run.signal)}`);
  const timing = JSON.parse(run.stdout) as Timing;
  if (timing.failed > 0)
    throw new LabError(`${argv.join(" ")}: ${timing.failed} of ${count} failed: ${run.stderr.slice(0, 300)}`);
  return timing;
}
