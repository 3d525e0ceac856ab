/** What it costs to run a program on another host, beside what else can do that. */
import { join } from "node:path";
import { packageRoot } from "../../io/paths.js";
import { Lab } from "../../lab/lab.js";
import { ready } from "../demo/ready.js";
import type { Timing } from "./probe.js";
import { time } from "./probe.js";
import type { Section } from "./section.js";
import { markdown, withProbe } from "./section.js";

const ms = (us: number): string => (us / 1000).toFixed(2);

/** Names, commands, and how often each is run. */
function contestants(lab: Lab): [string, string[], number][] {
  const ssh = ["ssh", "-F", join(lab.folder, "ssh_config")];
  const control = [
    "-o",
    "ControlMaster=auto",
    "-o",
    "ControlPath=/run/control-%h",
    "-o",
    "ControlPersist=120",
  ];
  return [
    ["fork + exec here", ["/bin/true"], 1000],
    ["prex --on n2", [join(packageRoot, "bin", "prex"), "--on", "n2", "/bin/true"], 1000],
    ["ssh, ControlMaster", [...ssh, ...control, "n2", "/bin/true"], 300],
    ["ssh", [...ssh, "n2", "/bin/true"], 40],
  ];
}

async function run(): Promise<string> {
  const lab = await Lab.up({ hosts: 2 });
  try {
    await ready(lab);
    return await withProbe(async (probe) => {
      const n1 = lab.host("n1");
      const results: [string, Timing, Timing][] = [];
      for (const [name, argv, count] of contestants(lab)) {
        await time(n1, probe, argv, 3, 1);
        const one = await time(n1, probe, argv, count, 1);
        results.push([name, one, await time(n1, probe, argv, count, 8)]);
      }
      const prex = results[1]?.[1].medianUs ?? Number.NaN;
      const rows = results.map(([name, one, eight]) => [
        name,
        ms(one.medianUs),
        ms(one.p99Us),
        (one.medianUs / prex).toFixed(2),
        eight.perSecond.toFixed(0),
      ]);
      const heading = ["`/bin/true`", "median ms", "p99 ms", "median ÷ prex's", "a second, 8 at a time"];
      return `From a loop in C on n1, hosts with whole cores, login shell /bin/sh.\n\n${markdown(heading, rows)}`;
    });
  } finally {
    await lab.down();
  }
}

export const latency: Section = { name: "latency", title: "A program on another host", run };
