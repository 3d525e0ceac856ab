/** The leader killed again and again under a load of requests: how long until the next one is granted. */
import type { Host } from "../../lab/host.js";
import { Lab } from "../../lab/lab.js";
import { until } from "../../lab/wait.js";
import { ready, statusOf } from "../demo/ready.js";
import { type Asked, Asker } from "./asking.js";
import type { Section } from "./section.js";
import { markdown } from "./section.js";

const HOSTS = 8;
const KILLS = 20;
/** Each host is asked so often. */
export const EVERY_MS = 20;

/** Of one kill, ms: until a request that was asked after it is granted. */
export interface FailOver {
  /** On any host, and on the last of those that are left. */
  readonly firstMs: number;
  readonly lastMs: number;
}

/** The host that all of these say leads, in one epoch; undefined while they do not agree. */
export async function agreed(hosts: readonly Host[]): Promise<Host | undefined> {
  const all = await Promise.all(hosts.map(statusOf));
  const [first] = all;
  const same = all.every((one) => one && one.leader === first?.leader && one.epoch === first.epoch);
  const leader = hosts.find(({ name }) => name === first?.leader);
  return same && all[leader ? hosts.indexOf(leader) : -1]?.role === "leader" ? leader : undefined;
}

/** Kills the leader's pantsd, waits until every other host is granted a slot, and starts it again. */
export async function failOver(lab: Pick<Lab, "hosts">, askers: readonly Asker[]): Promise<FailOver> {
  const leader = await until("one leader", () => agreed(lab.hosts), { ms: 20_000, every: 50 });
  const others = askers.filter(({ host }) => host !== leader);
  await until("requests to be granted", () =>
    others.every((one) => one.answers.at(-1)?.outcome === "granted"),
  );
  const killedAt = performance.now();
  process.kill(leader.daemon ?? 0, "SIGKILL");
  const granted = ({ answers }: Asker): Asked | undefined =>
    answers.find(({ askedAt, outcome }) => askedAt > killedAt && outcome === "granted");
  await until("every host to be granted a slot", () => others.every(granted), { ms: 30_000 });
  await leader.startDaemon();
  await ready(lab);
  const took = others.map((one) => (granted(one)?.answeredAt ?? Number.NaN) - killedAt);
  return { firstMs: Math.min(...took), lastMs: Math.max(...took) };
}

/** Requests of the askers by outcome, once none is without an answer. @throws {TimeoutError} */
export async function settled(askers: readonly Asker[]): Promise<ReadonlyMap<string, number>> {
  for (const one of askers) one.pause();
  await until("an answer to every request", () => askers.every((one) => one.waitingSince === Infinity));
  const counts = new Map<string, number>();
  for (const { outcome } of askers.flatMap((one) => one.answers))
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return counts;
}

async function run(): Promise<string> {
  // All of them share this machine's CPUs, whose load says nothing of one.
  const lab = await Lab.up({ hosts: HOSTS, settings: { load: { cpu: 100 }, slots: { total: 2 } } });
  const askers = lab.hosts.map((host) => new Asker(host, EVERY_MS));
  try {
    await ready(lab);
    const all: FailOver[] = [];
    while (all.length < KILLS) all.push(await failOver(lab, askers));
    const counts = await settled(askers);
    const longest = Math.max(...askers.flatMap((one) => one.answers.map((a) => a.answeredAt - a.askedAt)));
    const row = (what: string, took: readonly number[]): string[] => {
      const sorted = [...took].sort((a, b) => a - b);
      return [
        what,
        ...[sorted[sorted.length >> 1], sorted.at(-1)].map((ms) => ((ms ?? NaN) / 1000).toFixed(2)),
      ];
    };
    const count = (outcome: string): number => counts.get(outcome) ?? 0;
    const text = `${HOSTS} hosts, each asked for a slot every ${EVERY_MS} ms, which is given back at once. The leader's pantsd is killed
${KILLS} times and started again each time.`;
    const table = markdown(
      ["seconds from the kill until", "median", "longest"],
      [
        row(
          "a request asked since is granted on some host",
          all.map(({ firstMs }) => firstMs),
        ),
        row(
          "one is granted on every host that is left",
          all.map(({ lastMs }) => lastMs),
        ),
      ],
    );
    const sum = [...counts.values()].reduce((a, b) => a + b, 0);
    return `${text}

${table}

Of ${sum} requests ${count("granted")} were granted, ${count("denied")} denied, ${count("alone")} ended with the pantsd that was killed; none was left without an
answer. The longest answer took ${longest.toFixed(0)} ms.`;
  } finally {
    for (const one of askers) one.stop();
    await lab.down();
  }
}

export const failover: Section = { name: "failover", title: "The leader killed", run };
