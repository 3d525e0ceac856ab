/**
 * `make fuzz`: so many inputs to every decoder, on every CPU, each process with seeds of its own.
 *
 *     main.js INPUTS [SEED]
 */
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { inputsFor, type Outcome, run, targets } from "./run.js";

const [total = 10_000_000, seed = Date.now() % 1_000_000, part] = process.argv.slice(2).map(Number);

if (part !== undefined) process.stdout.write(JSON.stringify(work(total, seed)));
else await lead(availableParallelism());

function work(inputs: number, from: number): Outcome[] {
  return targets.map((target, index) => run(target, inputsFor(target, inputs), from + index));
}

async function lead(processes: number): Promise<void> {
  const began = performance.now();
  process.stdout.write(`${total} inputs, seed ${seed}, ${processes} processes\n`);
  const parts = await Promise.all(Array.from({ length: processes }, (_, index) => child(index, processes)));
  let findings = 0;
  for (const [index, { name }] of targets.entries()) {
    const outcomes = parts.flatMap((outcome) => outcome[index] ?? []);
    const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((all, outcome) => all + of(outcome), 0);
    const [inputs, ms] = [sum((outcome) => outcome.inputs), sum((outcome) => outcome.ms)];
    const worst = Math.max(...outcomes.map((outcome) => outcome.worstMs));
    const each = ((ms * 1000) / inputs).toFixed(1).padStart(6);
    process.stdout.write(
      `${name.padEnd(30)}${String(inputs).padStart(9)}  ${each} us each, the slowest ${worst.toFixed(1)} ms\n`,
    );
    for (const { finding } of outcomes) if (finding !== "") process.stdout.write(`FINDING: ${finding}\n`);
    findings += outcomes.filter(({ finding }) => finding !== "").length;
  }
  const inputs = parts.flat().reduce((all, outcome) => all + outcome.inputs, 0);
  const s = ((performance.now() - began) / 1000).toFixed(0);
  process.stdout.write(`${inputs} inputs in ${s} s: ${findings} findings\n`);
  if (findings > 0) process.exitCode = 1;
}

async function child(index: number, processes: number): Promise<Outcome[]> {
  const args = [fileURLToPath(import.meta.url), total / processes, seed + 1000 * index, index].map(String);
  const worker = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<string>((resolve) => {
    worker.on("close", (status, signal) => resolve(signal ?? String(status)));
  });
  const output = await text(worker.stdout);
  const how = await ended;
  if (how !== "0") throw new Error(`seed ${seed + 1000 * index}: a process ended with ${how}`);
  return JSON.parse(output) as Outcome[];
}
