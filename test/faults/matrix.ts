/** One fault at one moment of a job: what the parent saw, and how often the job ran. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../src/lab/wait.js";
import { Bed } from "../helper/bed.js";
import { processState } from "../native/world.js";
import { type Fault, MARK, type Party, pidsOf, signalAll, stop, wordsOf } from "./parties.js";

export const MOMENTS = ["before send", "after send", "running", "after exit"] as const;
export type Moment = (typeof MOMENTS)[number];

export interface Cell {
  readonly party: Party;
  readonly fault: Fault;
  readonly moment: Moment;
}

export interface Seen {
  /** What the parent saw: an exit status, or the name of a signal. */
  readonly end: string;
  /** On stderr. */
  readonly said: string;
  readonly runs: number;
  readonly seconds: number;
}

export const STATUS = 7;
const prex = (bed: Bed): string => bed.env["PREX"] ?? join(import.meta.dirname, "../../build/Release/prex");

/** The link is cut where its relays would be stopped; before anything is sent there is no agent, host or link. */
export function exists({ party, fault, moment }: Cell): boolean {
  if ((party === "ssh") !== (fault === "cut") && fault !== "kill") return false;
  return moment !== "before send" || (party !== "agent" && party !== "host" && fault !== "cut");
}

export async function play(cell: Cell): Promise<Seen> {
  const bed = new Bed();
  const at = (name: string): string => join(bed.work, name);
  const hold = join(bed.runtime, "hold");
  try {
    if (cell.moment === "before send") writeFileSync(hold, "");
    else await bed.on("wire", "true");
    const agents = (): number[] => pidsOf(bed, "agent", -1);
    if (cell.moment === "after send") signalAll(agents(), "SIGSTOP");
    const script = `${MARK}1; echo run >> ${at("runs")}; while [ ! -e ${at("go")} ]; do sleep 0.02; done; echo over > ${at("over")}; exit ${STATUS}`;
    const begun = performance.now();
    const job = bed.start([prex(bed), "--on", "wire", "/bin/sh", "-c", script]);
    // Not until its streams close: a stopped prexd holds them.
    let said = "";
    job.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const ended = new Promise<string>((resolve) => {
      job.on("exit", (code, signal) => resolve(signal ?? String(code)));
    });
    await reach(cell.moment, bed, at, agents);
    // A host goes all at once: an agent that sees its holder go says so truthfully, as of a program that was killed.
    const atOnce = cell.party === "host" && cell.fault === "kill";
    const pids = await (atOnce ? stop : pidsOf)(bed, cell.party, job.pid ?? -1);
    if (pids.length === 0) throw new Error(`no ${cell.party}`);
    signalAll(pids, cell.fault === "kill" ? "SIGKILL" : "SIGSTOP");
    rmSync(hold, { force: true });
    writeFileSync(at("go"), "");
    if (cell.party !== "agent" && cell.party !== "host") signalAll(agents(), "SIGCONT");
    // A stopped stand-in waits until it is continued, as the program would.
    if (cell.party === "stand-in" && cell.fault === "stop") {
      await until("the stand-in to stop", () => processState(job.pid ?? -1) === "T");
      signalAll([job.pid ?? -1], "SIGCONT");
    }
    const end = await ended;
    const seconds = (performance.now() - begun) / 1000;
    signalAll(pids, "SIGCONT");
    await until("what ran to end", () => !bed.processes(MARK).some((pid) => isProgram(pid)));
    const runs = existsSync(at("runs")) ? readFileSync(at("runs"), "utf8").trim().split("\n").length : 0;
    await until("a line", () => said !== "" || end !== "SIGKILL", { ms: 1000 }).catch(() => undefined);
    return { end, said, runs, seconds };
  } finally {
    signalAll(bed.processes(""), "SIGCONT");
    await bed.end();
  }
}

async function reach(
  moment: Moment,
  bed: Bed,
  at: (name: string) => string,
  agents: () => number[],
): Promise<void> {
  const state = moment === "before send" ? "connecting" : "running";
  await until(`the job to be ${state}`, async () =>
    (await bed.prexd().catch(() => undefined))?.jobs.some((one) => one.state === state),
  );
  if (moment === "before send" || moment === "after send") return;
  await until("the job to run", () => existsSync(at("runs")));
  if (moment === "running") return;
  signalAll(agents(), "SIGSTOP");
  writeFileSync(at("go"), "");
  await until("the job to be over", () => existsSync(at("over")));
  await until("its program to have ended", () => !bed.processes(MARK).some((pid) => isProgram(pid)));
}

/** Not the stand-in, nor the holder. */
const isProgram = (pid: number): boolean =>
  (wordsOf(pid)[0] ?? "").endsWith("/sh") && processState(pid) !== "Z";

/** Wrong about a cell, in words; empty when it is as docs/transparency.md says. */
export function wrong({ party, fault, moment }: Cell, { end, said, runs }: Seen): string {
  if (runs > 1) return `ran ${runs} times`;
  const done = end === String(STATUS);
  if (done) return runs === 1 ? "" : `ended with ${STATUS} and ran ${runs} times`;
  if (end !== "SIGKILL") return `ended with ${end}`;
  if (party === "stand-in") return fault === "kill" ? "" : "died";
  if (moment === "before send") return "lost before anything was sent";
  return /^prex: [^\n]*\n$/.test(said) ? "" : `said ${JSON.stringify(said)}`;
}
