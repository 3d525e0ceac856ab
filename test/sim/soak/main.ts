/** `make sim`: many seeds on all cores, or one of them. */
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { type Counts, run, shrink } from "./run.js";

/** Seeds that a process takes at once. */
const batch = 10;
/** Failures after which no more seeds are started. */
const failuresMax = 5;

interface Result {
  readonly seed: number;
  readonly ms: number;
  readonly outcome: ReturnType<typeof run>;
}

function work(): void {
  process.on("message", (seeds: number[]) => {
    for (const seed of seeds) {
      const start = performance.now();
      const outcome = run(seed);
      process.send?.({ seed, ms: performance.now() - start, outcome } satisfies Result);
    }
  });
}

async function manySeeds(first: number, count: number): Promise<void> {
  const start = performance.now();
  const totals = new Map<string, number>();
  let next = first;
  let done = 0;
  let failures = 0;
  let slowest = { seed: 0, ms: 0 };
  const processes = Math.min(availableParallelism(), count);
  const workers = Array.from({ length: processes }, async (): Promise<void> => {
    const child = fork(import.meta.filename, ["work"]);
    let waiting = 0;
    const feed = (): void => {
      const seeds: number[] = [];
      while (seeds.length < batch && next < first + count && failures < failuresMax) seeds.push(next++);
      waiting = seeds.length;
      if (waiting > 0) child.send(seeds);
      else child.disconnect();
    };
    child.on("message", ({ seed, ms, outcome }: Result) => {
      done += 1;
      if (ms > slowest.ms) slowest = { seed, ms };
      if (outcome.ok) add(totals, outcome.counts);
      else {
        failures += 1;
        process.stderr.write(`\n${outcome.failure}\n`);
      }
      if (done % 100 === 0) process.stderr.write(`${done} of ${count} seeds, ${failures} failed\n`);
      if (--waiting === 0) feed();
    });
    feed();
    await new Promise((resolve) => child.once("exit", resolve));
    if (waiting > 0)
      throw new Error(`a process ended before it had run ${waiting} seeds from ${next - batch} on`);
  });
  await Promise.all(workers);
  const minutes = (performance.now() - start) / 60_000;
  process.stdout.write(
    `${done} seeds from ${first} on, ${failures} failed, ${Math.round(done / minutes)} seeds a minute\n`,
  );
  process.stdout.write(`slowest: seed ${slowest.seed}, ${Math.round(slowest.ms)} ms\n`);
  process.stdout.write(`${[...totals].map(([name, sum]) => `${name} ${Math.round(sum)}`).join(", ")}\n`);
  if (failures > 0) process.exitCode = 1;
}

function add(totals: Map<string, number>, counts: Counts): void {
  for (const [name, value] of Object.entries<number>({ ...counts }))
    totals.set(name, (totals.get(name) ?? 0) + value);
}

function oneSeed(seed: number): void {
  const outcome = run(seed);
  process.stdout.write(outcome.ok ? `seed ${seed}: ${JSON.stringify(outcome.counts)}\n` : outcome.failure);
  if (!outcome.ok) process.exitCode = 1;
}

/** `[COUNT [FIRST]]`, `seed N`, or `shrink N`. */
async function main(args: readonly string[]): Promise<void> {
  const [what = "1000", which = "1"] = args;
  if (what === "work") work();
  else if (what === "seed") oneSeed(Number(which));
  else if (what === "shrink") process.stdout.write(shrink(Number(which)));
  else await manySeeds(Number(which), Number(what));
}

await main(process.argv.slice(2));
