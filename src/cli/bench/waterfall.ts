/** Where the time of one program on another host goes, station by station, and what it costs in CPU. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../io/paths.js";
import { LabError } from "../../lab/command.js";
import type { Host } from "../../lab/host.js";
import { Lab } from "../../lab/lab.js";
import { runs } from "../../lab/processes.js";
import { until } from "../../lab/wait.js";
import { ready } from "../demo/ready.js";
import type { Section } from "./section.js";
import { markdown } from "./section.js";
import { jobsOf, medians, type Part, parseStamps } from "./stations.js";

export interface WaterfallPlan {
  /** Jobs before anything is measured, so that all is compiled that will be. */
  readonly warm: number;
  /** Of each table. */
  readonly runs: number;
  /** Back to back, for the CPU time of each. */
  readonly costed: number;
}

const { env } = process;
const usual: WaterfallPlan = {
  warm: 600,
  runs: Number(env["WATERFALL_RUNS"] ?? 300),
  costed: Number(env["WATERFALL_COSTED"] ?? 2000),
};
/** Leases are given back after 100 ms without a job: after this, each asks for its own. */
const GAP_MS = 160;
const BAR = 40;

const ASKING: readonly Part[] = [
  { until: "requested", words: "prexd: looks at the job, asks for a lease" },
  { until: "answered", words: "**request, grant**: pantsd, the leader, and back" },
];
const partsOf = (asking: readonly Part[]): Part[] => [
  { until: "spawned", words: "**shim, decision**, and the exec of the stand-in" },
  { until: "accepted", words: "**stand-in**: starts, connects, prexd accepts" },
  { until: "asked to run", words: "stand-in and prexd: hello, the job and its descriptors" },
  ...asking,
  { until: "described", words: "prexd: describes the job" },
  { until: "opened", words: "**ssh**: there, until the agent has it" },
  { until: "admitted", words: "agent: same world? a slot?" },
  { until: "started", words: "**spawn**: pipes, holder, vfork, exec" },
  { until: "ended", words: "the program runs (its own main: 0.02 ms), holder, agent sees its end" },
  { until: "status sent", words: "agent: rest of its output, **status**" },
  { until: "status heard", words: "ssh: back, until prexd has it" },
  { until: "told", words: "prexd: the job is over, its record" },
  { until: "reaped", words: "prexd tells the stand-in, which ends; its parent has the status" },
];

/** A run of the loop, with everybody's stamps. */
async function stamped(
  lab: Lab,
  program: string,
  trace: string,
  gapMs: number,
  count: number,
): Promise<string> {
  const home = lab.host("n1");
  for (const host of ["n1", "n2"]) rmSync(`${trace}.${host}`, { force: true });
  const shimmed = { LD_PRELOAD: join(packageRoot, "build/Release/libprex.so"), PANTS_POLICY: "always" };
  const loop = await home.run([program, "run", String(count), String(gapMs), program], {
    env: { ...shimmed, STAMPS: `${trace}.program` },
    timeoutMs: 200_000,
  });
  if (loop.status !== 0) throw new LabError(`stamp: ${loop.stderr || String(loop.signal)}`);
  await until("the last stamps to be written", () => existsSync(`${trace}.n1`) && existsSync(`${trace}.n2`));
  await new Promise((resolve) => setTimeout(resolve, 300)); // longer than stamps are kept before they are written
  return ["n1", "n2"].map((host) => readFileSync(`${trace}.${host}`, "utf8")).join("") + loop.stdout;
}

function table(text: string, parts: readonly Part[]): string {
  const took = medians(jobsOf(parseStamps(text), "called"), parts);
  const sum = took.reduce((a, b) => a + b, 0);
  let before = 0;
  const rows = parts.map(({ words }, i) => {
    const us = took[i] ?? Number.NaN;
    const from = Math.round((before / sum) * BAR);
    before += us;
    const bar = "█".repeat(Math.max(Math.round((before / sum) * BAR) - from, us > 0 ? 1 : 0));
    return [words, us.toFixed(0), `\`${`${"·".repeat(from)}${bar}`.padEnd(BAR, "·").slice(0, BAR)}\``];
  });
  rows.push(["sum of the medians", sum.toFixed(0), ""]);
  return markdown(["", "µs", "when"], rows);
}

/** CPU time of a process's threads so far, ns. */
function cpuNs(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const one = (task: string): number =>
    Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]);
  return tasks.reduce((sum, task) => sum + one(task), 0);
}

const RESIDENT = [
  ["n1", "prexd"],
  ["n1", "ssh"],
  ["n1", "pantsd"],
  ["n2", "prex-agent"],
  ["n2", "sshd"],
  ["n2", "pantsd"],
] as const;

/** CPU time by process: `host name` to ns; all of a host's is in `host`. */
function costs(lab: Lab): Map<string, number> {
  const found = new Map<string, number>(lab.hosts.map((host) => [host.name, host.cpuSeconds() * 1e9]));
  for (const [host, name] of RESIDENT) {
    const mine = lab
      .host(host)
      .processes()
      .filter((one) => (name === "ssh" || name === "sshd" ? one.name === name : runs(one, name)));
    found.set(
      `${host} ${name}`,
      mine.reduce((sum, { pid }) => sum + cpuNs(pid), 0),
    );
  }
  return found;
}

function costTable(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  count: number,
): string {
  const us = (key: string): number => ((after.get(key) ?? 0) - (before.get(key) ?? 0)) / 1000 / count;
  const rows = ["n1", "n2"].flatMap((host) => {
    const resident = RESIDENT.filter(([on]) => on === host).map(
      ([, name]) => [name, us(`${host} ${name}`)] as const,
    );
    const rest = us(host) - resident.reduce((sum, [, one]) => sum + one, 0);
    const others = host === "n1" ? "the loop, its stand-ins" : "holder and program";
    return [...resident, [others, rest] as const, ["**all**", us(host)] as const].map(([name, value]) => [
      `${host === "n1" ? "home" : "there"}: ${name}`,
      value.toFixed(0),
    ]);
  });
  return markdown(["CPU time of one job", "µs"], rows);
}

async function startTraced(home: Host, trace: string): Promise<void> {
  const prexd = home.start([join(packageRoot, "bin", "prexd")], {
    env: { PANTS_TRACE: `${trace}.n1` },
    stdio: "ignore",
  });
  prexd.child.unref();
  await until("prexd to listen", () =>
    existsSync(join(home.runtime, "users", String(process.getuid?.()), "prexd.sock")),
  );
  const there = await home.run([join(packageRoot, "bin", "prex"), "--on", "n2", "/bin/true"]);
  if (there.status !== 0) throw new LabError(`prex: ${there.stderr}`);
}

/** Markdown: two tables with bars, and one of CPU time. */
export async function waterfallTables({ warm, runs: count, costed }: WaterfallPlan): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "pants-bench-"));
  const trace = join(folder, "trace");
  const program = join(folder, "stamp");
  execFileSync("cc", ["-O2", "-o", program, join(packageRoot, "bench", "waterfall", "stamp.c")]);
  const agent = `env PANTS_TRACE=${trace}.n2 ${join(packageRoot, "bin", "prex-agent")}`;
  const settings = { agent: { command: agent }, load: { policy: "cpu", cpu: 100 }, slots: { total: 8 } };
  const lab = await Lab.up({ hosts: 2, settings });
  try {
    await ready(lab);
    await startTraced(lab.host("n1"), trace);
    await stamped(lab, program, trace, 0, warm);
    const alone = await stamped(lab, program, trace, GAP_MS, count);
    const loop = await stamped(lab, program, trace, 0, count);
    const before = costs(lab);
    await stamped(lab, program, trace, 0, costed);
    const cost = costTable(before, costs(lab), costed);
    return [
      `One \`true\` after the other from a loop in C on n1, run on n2: medians of ${count} each, from time stamps.`,
      `${GAP_MS} ms apart, so that each asks for a lease:`,
      table(alone, partsOf(ASKING)),
      "Back to back, so that one lease serves all:",
      table(loop, partsOf([])),
      `CPU time, over ${costed} back to back:`,
      cost,
    ].join("\n\n");
  } finally {
    await lab.down();
    rmSync(folder, { recursive: true, force: true });
  }
}

export const waterfall: Section = {
  name: "waterfall",
  title: "Where the time of one remote `true` goes",
  run: () => waterfallTables(usual),
};
