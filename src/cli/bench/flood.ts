/** What requests suffer while someone without the key floods the leader, all free hosts, or one host's own port. */
import { setTimeout as sleep } from "node:timers/promises";
import { Lab } from "../../lab/lab.js";
import { until } from "../../lab/wait.js";
import { ready, statusOf } from "../demo/ready.js";
import { type Asked, Asker } from "./asking.js";
import { agreed, settled } from "./failover.js";
import { forge } from "./forged.js";
import type { Section } from "./section.js";
import { markdown } from "./section.js";
import { Sender } from "./traffic.js";

const HOSTS = ["n1", "n2", "n3", "intruder"];
const RATE = 50_000;
const SECONDS = 10;
const EVERY_MS = 20;
/** Sent again and again: all types, and numbers enough to be none of a replay guard's business. */
const FORGED = 20_000;
const GROUPS = { leader: "239.255.77.1", free: "239.255.77.2" };

/** What a flood met, and what became of the requests meanwhile. */
export interface Flooded {
  /** Sent a second. */
  readonly rate: number;
  /** Rejected by each host for their MAC. */
  readonly rejected: readonly number[];
  /** Requests asked during the flood. */
  readonly asked: readonly Asked[];
  /** Whether roles, leader and epochs are what they were before. */
  readonly same: boolean;
}

/** A lab in which all hosts but the last run pantsd, and have found each other. */
export async function withIntruder(): Promise<Lab> {
  const lab = await Lab.up({
    hosts: HOSTS,
    daemons: false,
    settings: { load: { cpu: 100 }, slots: { total: 4 } },
  });
  try {
    const hosts = lab.hosts.slice(0, -1);
    await Promise.all(hosts.map((host) => host.startDaemon()));
    await ready({ hosts });
    return lab;
  } catch (error) {
    await lab.down();
    throw error;
  }
}

/** Floods one place for so long, while each host is asked for slots. */
export async function flood(
  lab: Lab,
  sender: Sender,
  at: "leader" | "free" | "unicast",
  seconds = SECONDS,
): Promise<Flooded> {
  const hosts = lab.hosts.slice(0, -1);
  const intruder = lab.host("intruder");
  const leader = await until("one leader", () => agreed(hosts), { ms: 20_000, every: 50 });
  const view = async (): Promise<string> => {
    const all = await Promise.all(hosts.map(statusOf));
    return all.map((one) => `${one?.role} ${one?.leader} ${one?.epoch}`).join(", ");
  };
  const rejected = async (): Promise<number[]> =>
    Promise.all(hosts.map(async (host) => (await statusOf(host))?.counters["rejected mac"] ?? 0));
  const forged = forge(lab, FORGED);
  const [viewBefore, rejectedBefore] = [await view(), await rejected()];
  const askers = hosts.map((host) => new Asker(host, EVERY_MS));
  try {
    await until("requests to be granted", () =>
      askers.every((one) => one.answers.at(-1)?.outcome === "granted"),
    );
    const began = performance.now();
    const to = at === "unicast" ? leader.address : GROUPS[at];
    const sent = await sender.send(intruder, forged, { to, seconds, pace: { rate: RATE }, again: true });
    const ended = performance.now();
    await settled(askers);
    await sleep(200); // What waits in sockets.
    const rejectedAfter = await rejected();
    const asked = askers.flatMap((one) => one.answers);
    return {
      rate: (sent.sent - sent.refused) / sent.seconds,
      rejected: rejectedAfter.map((count, i) => count - (rejectedBefore[i] ?? 0)),
      asked: asked.filter(({ askedAt }) => askedAt > began + 200 && askedAt < ended - 500),
      same: (await view()) === viewBefore,
    };
  } finally {
    for (const one of askers) one.stop();
  }
}

export function quantile(asked: readonly Asked[], share: number): number {
  const took = asked.map((one) => one.answeredAt - one.askedAt).sort((a, b) => a - b);
  return took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? Number.NaN;
}

async function run(): Promise<string> {
  const sender = new Sender();
  const lab = await withIntruder();
  try {
    const rows: string[][] = [];
    for (const [what, at] of [
      ["the leader group", "leader"],
      ["the free group", "free"],
      ["the leader's own address", "unicast"],
    ] as const) {
      const { rate, rejected, asked, same } = await flood(lab, sender, at);
      const granted = asked.filter(({ outcome }) => outcome === "granted");
      rows.push([
        what,
        rate.toFixed(0),
        (Math.max(...rejected) / SECONDS).toFixed(0),
        `${granted.length} of ${asked.length}`,
        quantile(granted, 0.5).toFixed(1),
        quantile(granted, 0.99).toFixed(1),
        quantile(asked, 1).toFixed(0),
        same ? "as before" : "changed",
      ]);
    }
    const heading = [
      `${SECONDS} s of forged datagrams to`,
      "sent a second",
      "rejected a second, at most",
      "requests granted",
      "median ms",
      "p99 ms",
      "longest ms, granted or not",
      "roles, leader, epochs",
    ];
    const text = `Three hosts, each asked for a slot every ${EVERY_MS} ms; a fourth, without the key, sends datagrams of all types whose
header is right and whose MAC is not. All share this machine's cores with the one who floods.`;
    return `${text}\n\n${markdown(heading, rows)}`;
  } finally {
    await lab.down();
    sender.remove();
  }
}

export const floods: Section = { name: "flood", title: "A flood of forged datagrams", run };
