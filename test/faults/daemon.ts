/** One fault of pantsd, or of the cable, at one moment of a job that a real cluster places; what the parent saw. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ready } from "../../src/cli/demo/ready.js";
import { askPrexd } from "../../src/io/control-client.js";
import { packageRoot } from "../../src/io/paths.js";
import type { Host } from "../../src/lab/host.js";
import type { Lab } from "../../src/lab/lab.js";
import { until } from "../../src/lab/wait.js";
import type { PrexdAnswer } from "../helper/bed.js";
import { type Moment, type Seen, STATUS } from "./matrix.js";
import { signalAll } from "./parties.js";

/** Whose pantsd, or the cable of the host on which the job runs. */
export const OF = ["home's pantsd", "far pantsd", "cable"] as const;
export interface DaemonCell {
  readonly of: (typeof OF)[number];
  readonly fault: "kill" | "stop" | "cut";
  readonly moment: Moment;
}

const prex = join(packageRoot, "build", "Release", "prex");
const uid = process.getuid?.() ?? 0;

export interface DaemonSeen extends Seen {
  /** Where it ran: "there" is the far host, "here" is home; empty when nowhere. */
  readonly on: string;
}

/** Plays it between a lab's first host and `far`; the lab is as before afterwards. */
export async function playDaemon(lab: Lab, far: Host, cell: DaemonCell): Promise<DaemonSeen> {
  const [home] = lab.hosts;
  if (home === undefined) throw new Error("no home");
  const folder = mkdtempSync(join(tmpdir(), "pants-daemon-"));
  const at = (name: string): string => join(folder, name);
  const agents = (): number[] => far.running("prex-agent");
  const sshd = (): number[] => far.processes().flatMap(({ name, pid }) => (name === "sshd" ? [pid] : []));
  try {
    // Before anything is sent there is no link: prexd begins to make one.
    if (cell.moment === "before send") {
      if (agents().length > 0) signalAll(home.running("prexd"), "SIGKILL");
      await until("the links to end", () => agents().length === 0, { ms: 20_000 });
      signalAll(sshd(), "SIGSTOP");
    } else {
      // The first only starts prexd; an agent that is stopped takes no job.
      await until("a link", async () => {
        await home.run([prex, "--on", far.name, "true"]);
        return agents().length > 0;
      });
      if (cell.moment === "after send") signalAll(agents(), "SIGSTOP");
    }
    const script = `read on </proc/sys/kernel/hostname; echo $on >> ${at("runs")}; while [ ! -e ${at("go")} ]; do sleep 0.02; done; echo over > ${at("over")}; exit ${STATUS}`;
    const named = cell.of === "cable" ? ["--on", far.name] : [];
    const begun = performance.now();
    const job = home.start([prex, ...named, "/bin/sh", "-c", script]);
    await reach(cell.moment, home, far, at);
    const host = cell.of === "far pantsd" ? far : home;
    if (cell.fault === "cut") far.cut();
    else signalAll(host.running("pantsd"), cell.fault === "kill" ? "SIGKILL" : "SIGSTOP");
    // Or it is still there, dying, when a new one is to be started.
    if (cell.fault === "kill") await until("pantsd to be gone", () => host.daemon === undefined);
    writeFileSync(at("go"), "");
    signalAll([...sshd(), ...agents()], "SIGCONT");
    const { status, signal, stderr } = await job.done;
    const seconds = (performance.now() - begun) / 1000;
    if (cell.fault === "cut")
      await until("what ran there to end", () => agents().length === 0, { ms: 20_000 });
    const ran = existsSync(at("runs")) ? readFileSync(at("runs"), "utf8").trim().split("\n") : [];
    const on = ran
      .map((name) => (name === far.name ? "there" : name === home.name ? "here" : name))
      .join(", ");
    return {
      end: signal ?? (status === 137 ? "SIGKILL" : String(status)),
      said: stderr,
      runs: ran.length,
      on,
      seconds,
    };
  } finally {
    signalAll([...sshd(), ...agents()], "SIGCONT");
    await mend(lab, far, cell);
    rmSync(folder, { recursive: true });
  }
}

async function reach(moment: Moment, home: Host, far: Host, at: (name: string) => string): Promise<void> {
  const state = moment === "before send" ? "connecting" : "running";
  await until(`the job to be ${state}`, async () => {
    const answer = askPrexd(join(home.runtime, "users", String(uid), "prexd.sock"));
    const { jobs } = ((await answer.catch(() => undefined)) ?? { jobs: [] }) as Pick<PrexdAnswer, "jobs">;
    return jobs.some((job) => job.state === state);
  });
  if (moment === "before send" || moment === "after send") return;
  await until("the job to run", () => existsSync(at("runs")));
  if (moment === "running") return;
  signalAll(far.running("prex-agent"), "SIGSTOP");
  writeFileSync(at("go"), "");
  await until("the job to be over", () => existsSync(at("over")));
}

async function mend(lab: Lab, far: Host, cell: DaemonCell): Promise<void> {
  if (cell.of === "cable") {
    far.heal();
    return;
  }
  const hosts = lab.hosts.filter((host) => host === lab.hosts[0] || host === far);
  for (const host of hosts) {
    signalAll(host.running("pantsd"), "SIGCONT");
    if (host.daemon === undefined) await host.startDaemon();
  }
  await ready({ hosts });
}

/** Wrong about a cell, in words; empty when it is as docs/transparency.md says: pantsd's faults cost a job nothing. */
export function wrongDaemon({ of, moment }: DaemonCell, { end, said, runs }: DaemonSeen): string {
  if (end === String(STATUS)) return runs === 1 ? "" : `ended with ${STATUS} and ran ${runs} times`;
  if (of !== "cable" || end !== "SIGKILL") return `ended with ${end}`;
  if (runs > 1) return `ran ${runs} times`;
  if (moment === "before send") return "lost before anything was sent";
  return /^prex: [^\n]*\n$/.test(said) ? "" : `said ${JSON.stringify(said)}`;
}
