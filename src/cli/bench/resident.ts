/** What the resident programs cost: memory after many jobs, and pantsd's time when nothing happens. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { packageRoot } from "../../io/paths.js";
import { LabError } from "../../lab/command.js";
import { Lab } from "../../lab/lab.js";
import type { Resident } from "../../lab/processes.js";
import { ready } from "../demo/ready.js";
import { time } from "./probe.js";
import type { Section } from "./section.js";
import { markdown, withProbe } from "./section.js";

const TICKS_PER_SECOND = 100; // USER_HZ, which is what /proc tells in on every Linux.
const IDLE_SECONDS = 60;

function find(lab: Lab, host: string, command: Resident): number {
  const [pid] = lab.host(host).running(command);
  if (pid === undefined) throw new LabError(`${command} does not run on ${host}`);
  return pid;
}

const residentMb = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;

export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function runMemory(): Promise<string> {
  const lab = await Lab.up({ hosts: 2 });
  try {
    await ready(lab);
    return await withProbe(async (probe) => {
      const argv = [join(packageRoot, "bin", "prex"), "--on", "n2", "/bin/true"];
      await time(lab.host("n1"), probe, argv, 3, 1);
      const programs = [
        ["prexd", "n1"],
        ["prex-agent", "n2"],
        ["pantsd", "n1"],
        ["pantsd", "n2"],
      ] as const;
      const columns: number[][] = [];
      for (const jobs of [1000, 9000, 20_000]) {
        await time(lab.host("n1"), probe, argv, jobs, 8);
        columns.push(programs.map(([command, host]) => residentMb(find(lab, host, command))));
      }
      const rows = programs.map(([command, host], i) => {
        const after = columns.map((column) => (column[i] ?? Number.NaN).toFixed(1));
        return [`${command} on ${host}`, ...after];
      });
      return markdown(["resident memory, MB", "after 1,000 jobs", "after 10,000", "after 30,000"], rows);
    });
  } finally {
    await lab.down();
  }
}

async function runIdle(): Promise<string> {
  const lab = await Lab.up({ hosts: 3 });
  try {
    await ready(lab);
    const daemons = lab.hosts.map(({ name }) => ({ name, pid: find(lab, name, "pantsd") }));
    const before = daemons.map(({ pid }) => cpuSeconds(pid));
    await sleep(IDLE_SECONDS * 1000);
    const rows = daemons.map(({ name, pid }, i) => {
      const share = (cpuSeconds(pid) - (before[i] ?? 0)) / IDLE_SECONDS;
      return [`pantsd on ${name}`, `${(100 * share).toFixed(2)} %`];
    });
    return markdown([`idle for ${IDLE_SECONDS} s`, "of a core"], rows);
  } finally {
    await lab.down();
  }
}

export const memory: Section = { name: "memory", title: "Memory", run: runMemory };
export const idle: Section = { name: "idle", title: "Idle", run: runIdle };
