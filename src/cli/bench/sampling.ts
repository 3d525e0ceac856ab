/** What looking at the load once a second costs: by itself, and as part of a real pantsd. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { packageRoot } from "../../io/paths.js";
import { Lab } from "../../lab/lab.js";
import { ready, statusOf } from "../demo/ready.js";
import type { Cost } from "./cost.js";
import { markdown, type Section } from "./section.js";

const SAMPLES = 3600;
const IDLE_SECONDS = 60;
/** Of the hosts, in turn: sampled so often. */
const INTERVALS_MS = [1000, 60_000, 1000, 60_000] as const;

const costCommand = (samples: number): string[] => [
  process.execPath,
  "--expose-gc",
  join(packageRoot, "dist", "cli", "bench", "cost.js"),
  String(samples),
];

/** On this machine, in a process of its own. */
export function costHere(samples: number): Cost {
  const [node = "", ...args] = costCommand(samples);
  return JSON.parse(execFileSync(node, args, { encoding: "utf8" })) as Cost;
}

/** CPU time of a process and all its threads, to the nanosecond; seconds. */
function cpuSeconds(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const ran = tasks.map((tid) =>
    Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, "utf8").split(" ")[0]),
  );
  return ran.reduce((a, b) => a + b, 0) / 1e9;
}

/** Share of a core of each host's pantsd while nothing happens, percent, with its role. */
async function idle(lab: Lab): Promise<{ name: string; percent: number; role: string }[]> {
  const daemons = lab.hosts.map((host) => ({ host, pid: host.daemon ?? 0 }));
  const before = daemons.map(({ pid }) => cpuSeconds(pid));
  await sleep(IDLE_SECONDS * 1000);
  const shares = daemons.map(({ pid }, at) => (100 * (cpuSeconds(pid) - (before[at] ?? 0))) / IDLE_SECONDS);
  return Promise.all(
    daemons.map(async ({ host }, at) => ({
      name: host.name,
      percent: shares[at] ?? Number.NaN,
      role: (await statusOf(host))?.role ?? "?",
    })),
  );
}

async function run(): Promise<string> {
  const costs = [costHere(SAMPLES)];
  const interval = (host: string) => INTERVALS_MS[Number(host.slice(1)) - 1] ?? 1000;
  const lab = await Lab.up({
    ...{ hosts: INTERVALS_MS.length, cpus: 2, memoryMb: 1024 },
    settings: (host) => ({ load: { interval_ms: interval(host) } }),
  });
  try {
    await ready(lab);
    const inGroup = await lab.host("n1").run(costCommand(SAMPLES));
    costs.push(JSON.parse(inGroup.stdout) as Cost);
    await sleep(10_000); // what finding each other left to collect
    const daemons = await idle(lab);
    const rows = costs.map((one) => [
      one.world,
      ...[one.userUs, one.systemUs].map((us) => us.toFixed(0)),
      `${((one.userUs + one.systemUs) / 1e4).toFixed(3)} %`,
      ...[one.heapGrown, one.externalGrown].map((bytes) => (bytes / 1024).toFixed(1)),
    ]);
    return `${SAMPLES} samples back to back, an hour's worth at one a second, each with its verdict and its record. Before them came as many that
were not measured, so that all is compiled; grown is what a collection left more of after them than before.

${markdown(["host", "user µs each", "system µs", "of a core at 1 s", "heap grown KiB", "external grown KiB"], rows)}

pantsd with nothing to do for ${IDLE_SECONDS} s:

${markdown(
  ["sampled every", "host", "role", "of a core"],
  daemons.map(({ name, role, percent }) => [
    `${interval(name) / 1000} s`,
    name,
    role,
    `${percent.toFixed(2)} %`,
  ]),
)}`;
  } finally {
    await lab.down();
  }
}

export const sampling: Section = { name: "sampling", title: "Cost of sampling", run };
