/** How many requests one leader answers, and how fast, on real sockets. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { LabError } from "../../lab/command.js";
import { Lab } from "../../lab/lab.js";
import { until } from "../../lab/wait.js";
import { knownHosts, statusOf } from "../demo/ready.js";
import type { Section } from "./section.js";
import { markdown } from "./section.js";
import { type Answers, Sender, type Sending, sealReports, sealRequests } from "./traffic.js";

const LEADER_GROUP = "239.255.77.1";
const ASKERS = 64;
/** Requests before anything is timed, so that the daemon's code is compiled by then, as after some minutes of work. */
const WARM_UP = 20_000;
/** Of a case: a machine with other work may keep the leader from the CPU until it takes itself for one that slept. */
const TRIES = 3;
const TICKS_PER_SECOND = 100; // USER_HZ, which is what /proc tells in on every Linux.

/** Hosts in the leader's table, and how they are asked for. */
const CASES: readonly (Omit<Sending, "to"> & { readonly hosts: number; readonly count: number })[] = [
  { hosts: 100, count: 1000, seconds: 5, pace: { rate: 200 } },
  { hosts: 100, count: 25_000, seconds: 5, pace: { rate: 5000 } },
  { hosts: 100, count: 300_000, seconds: 8, pace: { window: 64 } },
  { hosts: 1000, count: 300_000, seconds: 8, pace: { window: 64 } },
  { hosts: 1000, count: 300_000, seconds: 8, pace: { window: 512 } },
];

/** CPU seconds of a process, in its own code and in the kernel. */
function cpuSeconds(pid: number): { user: number; system: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { user: Number(fields[11]) / TICKS_PER_SECOND, system: Number(fields[12]) / TICKS_PER_SECOND };
}

interface Measured {
  readonly answers: Answers;
  readonly user: number;
  readonly system: number;
}

/** One case, with a leader of its own; undefined when it did not lead all the time, and so lost its table. */
async function measure(
  sender: Sender,
  { hosts, count, seconds, pace }: (typeof CASES)[number],
): Promise<Measured | undefined> {
  // A leader that works as hard as it can is busy, and would hand over.
  const settings = { load: { cpu: 100 } };
  const lab = await Lab.up({ hosts: 2, daemons: false, settings });
  try {
    const [leader, asker] = [lab.host("n1"), lab.host("n2")];
    await leader.startDaemon();
    const { epoch } = await until(
      "n1 to lead",
      async () => {
        const status = await statusOf(leader);
        return status?.role === "leader" && status;
      },
      { ms: 20_000 },
    );
    const pid = leader.daemon ?? 0;
    if (cpus().length > 1) execFileSync("taskset", ["-a", "-p", "-c", "0", String(pid)]);
    const requests = sealRequests(lab, ASKERS, WARM_UP + count);
    const send = (datagrams: readonly Buffer[], pace: Sending["pace"], seconds: number) =>
      sender.send(asker, datagrams, { to: LEADER_GROUP, seconds, pace });
    await send(sealReports(lab, hosts, epoch), { rate: 2000 }, 5);
    await until("the leader to know its hosts", async () => (await knownHosts(leader)).length > 1);
    await send(requests.slice(0, WARM_UP), { rate: 4000 }, 10);
    const before = cpuSeconds(pid);
    const answers = await send(requests.slice(WARM_UP), pace, seconds);
    const after = cpuSeconds(pid);
    const now = await statusOf(leader);
    if (now?.role !== "leader" || now.epoch !== epoch) return undefined;
    return { answers, user: after.user - before.user, system: after.system - before.system };
  } finally {
    await lab.down();
  }
}

function row({ hosts, pace }: (typeof CASES)[number], { answers, user, system }: Measured): string[] {
  const done = answers.granted + answers.denied;
  const each = (seconds: number): string => ((seconds / done) * 1e6).toFixed(0);
  const how = "window" in pace ? `as many as it answers, ${pace.window} under way` : `${pace.rate} a second`;
  return [
    `${hosts} hosts, ${how}`,
    (done / answers.seconds).toFixed(0),
    `${answers.granted} / ${answers.denied} / ${answers.unanswered}`,
    (answers.medianUs / 1000).toFixed(2),
    (answers.p99Us / 1000).toFixed(2),
    `${((100 * (user + system)) / answers.seconds).toFixed(0)} %`,
    `${each(user)} + ${each(system)}`,
  ];
}

async function run(): Promise<string> {
  const sender = new Sender();
  try {
    const rows: string[][] = [];
    for (const one of CASES) {
      let measured: Measured | undefined;
      for (let tries = 0; !measured && tries < TRIES; tries++) measured = await measure(sender, one);
      if (!measured) throw new LabError("the leader was kept from the CPU for so long that it gave up");
      rows.push(row(one, measured));
    }
    const heading = [
      "",
      "answers a second",
      "granted / denied / unanswered",
      "median ms",
      "p99 ms",
      "of a core",
      "µs a request: own + kernel",
    ];
    const text = `One pantsd, bound to one core, asked by ${ASKERS} hosts over a veth: their datagrams are sealed ahead, sent by a
program in C from another namespace and another core, and timed from there. Each host in the table has 256 free slots;
each request is for one, and its lease runs out after 5 s, since nobody gives it back.`;
    return `${text}\n\n${markdown(heading, rows)}`;
  } finally {
    sender.remove();
  }
}

export const leader: Section = { name: "leader", title: "The leader's capacity", run };
