/** What a hundred thousand jobs leave behind at the four ends: the home host, prexd, the agent, its host's slots. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { askPrexd } from "../../io/control-client.js";
import { SLOT_CAPACITY } from "../../io/layout.js";
import { packageRoot } from "../../io/paths.js";
import type { Host } from "../../lab/host.js";
import { Lab } from "../../lab/lab.js";
import { until } from "../../lab/wait.js";
import { ready } from "../demo/ready.js";
import { time } from "./probe.js";
import type { Section } from "./section.js";
import { markdown, withProbe } from "./section.js";

const JOBS = Number(process.env["LEAK_JOBS"] ?? 100_000);
const WARM = 2000;
/** Started by one run of the probe. */
const PORTION = 10_000;
const SLOTS_AT = 64;

/** Numbers that must not grow. */
function look(home: Host, far: Host): Record<string, number> {
  const found: Record<string, number> = {
    "processes at home": home.processes().length,
    "processes there": far.processes().length,
    "slots taken there": slotsTaken(far),
  };
  for (const [host, command] of [
    [home, "prexd"],
    [far, "prex-agent"],
    [home, "pantsd"],
    [far, "pantsd"],
  ] as const) {
    const pid = host.running(command)[0] ?? -1;
    const called = `${command}${command === "pantsd" ? ` on ${host.name}` : ""}`;
    found[`descriptors of ${called}`] = readdirSync(`/proc/${pid}/fd`).length;
    const resident = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    found[`MB of ${called}`] = Math.round(Number(resident) / 1024);
  }
  return found;
}

function slotsTaken(host: Host): number {
  const table = readFileSync(join(host.runtime, "slots"));
  let taken = 0;
  for (let i = 0; i < SLOT_CAPACITY; i++) if (table.readBigUInt64LE(SLOTS_AT + 8 * i) !== 0n) taken++;
  return taken;
}

async function run(parallel: number): Promise<string> {
  const lab = await Lab.up({ hosts: 2 });
  try {
    await ready(lab);
    const [home, far] = [lab.host("n1"), lab.host("n2")];
    return await withProbe(async (probe) => {
      const argv = [join(packageRoot, "bin", "prex"), "--on", "n2", "/bin/true"];
      const settled = async (): Promise<Record<string, number>> => {
        const socket = join(home.runtime, "users/0/prexd.sock");
        await until("no job to be left", async () => {
          const { jobs } = (await askPrexd(socket)) as { jobs: unknown[] };
          return jobs.length === 0 && slotsTaken(far) === 0;
        });
        return look(home, far);
      };
      await time(home, probe, argv, 3, 1);
      await time(home, probe, argv, WARM, parallel);
      const before = await settled();
      const began = performance.now();
      for (let left = JOBS; left > 0; left -= PORTION)
        await time(home, probe, argv, Math.min(left, PORTION), parallel);
      const seconds = (performance.now() - began) / 1000;
      const after = await settled();
      const rows = Object.keys(before).map((what) => [what, before[what] ?? -1, after[what] ?? -1]);
      const jobs = JOBS.toLocaleString("en");
      const how = parallel === 1 ? "one after the other" : `${parallel} at a time`;
      const heading = [
        `\`prex --on n2 /bin/true\`, ${how}`,
        `after ${WARM.toLocaleString("en")}`,
        `after ${jobs} more`,
      ];
      return `${(JOBS / seconds).toFixed(0)} a second.\n\n${markdown(heading, rows)}`;
    });
  } finally {
    await lab.down();
  }
}

export const leaks: Section = { name: "leaks", title: "What many jobs leave behind", run: () => run(1) };
export const leaksTogether: Section = {
  name: "leaks-64",
  title: "What many jobs leave behind, 64 at a time",
  run: () => run(64),
};
