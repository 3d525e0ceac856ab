/** Random faults at random times under jobs that append a line each: none may ever append two. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../src/lab/wait.js";
import type { Bed } from "../helper/bed.js";
import { MARK, PARTIES, type Party, signalAll, stop } from "./parties.js";

/** Jobs beside each other under one fault. */
const TOGETHER = 4;
/** A fault comes within so many ms of the jobs' start, and a stop lasts so long at most. */
const WITHIN_MS = 120;
const STOP_MS = 300;
/** Longer than any fault may take to be seen. */
const HANG_MS = 40_000;

export interface Tally {
  jobs: number;
  /** Ended with their status, died of SIGKILL, of anything else. */
  done: number;
  lost: number;
  /** What must not be, in words. */
  readonly wrong: string[];
}

/** Numbers from 0 to below 1 that a seed repeats (mulberry32). */
export function randomOf(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One fault under a few jobs of the host called wire. */
export async function round(bed: Bed, number: number, random: () => number, tally: Tally): Promise<void> {
  await until("the link to be up", async () => {
    await bed.on("wire", "true");
    return (await bed.prexd().catch(() => undefined))?.links.some(({ state }) => state === "up") === true;
  });
  const jobs = Array.from({ length: TOGETHER }, (_, i) =>
    start(bed, join(bed.work, `lines-${number}-${i}`), random),
  );
  const party = PARTIES[Math.floor(random() * PARTIES.length)] as Party;
  const stops = random() < 0.4;
  await sleep(random() * WITHIN_MS);
  const victim = jobs[Math.floor(random() * TOGETHER)]?.pid ?? -1;
  const pids = await stop(bed, party, victim);
  if (!stops) signalAll(pids, "SIGKILL");
  else {
    await sleep(random() * STOP_MS);
    signalAll(pids, "SIGCONT");
  }
  for (const [i, { ended, file }] of jobs.entries()) {
    const end = await Promise.race([ended, sleep(HANG_MS, "hangs")]);
    tally.jobs++;
    if (end === "7") tally.done++;
    else if (end === "SIGKILL") tally.lost++;
    const where = `round ${number}, job ${i}, ${stops ? "stop" : "kill"} ${party}`;
    if (end !== "7" && end !== "SIGKILL") tally.wrong.push(`${where}: ended with ${end}`);
    await until("what runs to end", () => !bed.processes(`${MARK}${file}`).some((pid) => pid !== victim), {
      ms: 30_000,
    });
    const lines = existsSync(file) ? readFileSync(file, "latin1").split("\n").length - 1 : 0;
    if (lines > 1 || (end === "7" && lines !== 1)) tally.wrong.push(`${where}: ${end}, ${lines} lines`);
  }
}

function start(
  bed: Bed,
  file: string,
  random: () => number,
): { pid: number; ended: Promise<string>; file: string } {
  const seconds = (random() * 0.1).toFixed(3);
  const script = `${MARK}${file}; sleep ${seconds}; echo line >> ${file}; sleep ${seconds}; exit 7`;
  const job = bed.start([bed.env["PREX"] ?? "prex", "--on", "wire", "/bin/sh", "-c", script]);
  const ended = new Promise<string>((resolve) => {
    job.on("exit", (code, signal) => resolve(signal ?? String(code)));
  });
  job.stdout?.resume();
  job.stderr?.resume();
  return { pid: job.pid ?? -1, ended, file };
}

export const newTally = (): Tally => ({ jobs: 0, done: 0, lost: 0, wrong: [] });
