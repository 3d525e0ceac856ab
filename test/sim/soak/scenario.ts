/** What a seed stands for: a cluster, its work, and the faults that it meets, drawn in full before the run. */
import { Draw } from "./draw.js";
import { type Fault, type Maker, text } from "./fault.js";
import { attacks } from "./nemeses/attacks.js";
import { clocks } from "./nemeses/clocks.js";
import { hosts as hostFaults } from "./nemeses/hosts.js";
import { keys } from "./nemeses/keys.js";
import { network } from "./nemeses/network.js";

/** A host that is on the same network, but not of the cluster. */
export interface Stranger {
  readonly name: string;
  readonly how: "another version" | "another cluster" | "another key";
}

export interface Scenario {
  readonly seed: number;
  readonly hosts: readonly string[];
  readonly slots: ReadonlyMap<string, number>;
  /** How often each samples its CPU use, ms. */
  readonly intervalMs: number;
  /** Mean time between bursts of programs at a host, ms, and the largest burst. */
  readonly burstMs: number;
  readonly burstMax: number;
  readonly jobMs: number;
  /** Faults are over by then, ms. */
  readonly chaosMs: number;
  readonly faults: readonly Fault[];
  /** Loss that is left after healing, until the work ends. */
  readonly lossAfter: number;
  readonly strangers: readonly Stranger[];
  /** A host that has the name of another one, and of which; null: none. */
  readonly namesake: string | null;
  /** Hosts that pass datagrams on where multicast does not reach, and those that it does not reach. */
  readonly seeds: readonly string[];
  readonly unreached: readonly string[];
}

const kinds: readonly (readonly [weight: number, makers: readonly Maker[]])[] = [
  [6, network],
  [8, hostFaults],
  [2, clocks],
  [3, attacks],
  [1, keys],
];

/** Most seeds are of this many hosts at most; one in `manyEvery` is of some hundreds. */
const fewMax = 60;
const manyEvery = 200;
/** One in so many runs so long that pauses of five minutes fit. */
const longEvery = 50;

export function scenario(seed: number): Scenario {
  const draw = new Draw(seed ^ 0x5eed);
  const long = seed % longEvery === 0;
  const many = seed % manyEvery === 1;
  const most = long ? 8 : fewMax;
  // Small clusters are where the odd cases are; large ones cost most.
  const count = many ? draw.whole(100, 300) : 2 + Math.floor((most - 1) * draw.next() ** 2);
  const hosts = Array.from({ length: count }, (_, index) => `h${index}`);
  const slots = new Map(hosts.map((host) => [host, draw.whole(1, 4)]));
  const chaosMs = long ? 330_000 : many ? 6000 : draw.between(6000, 18_000);
  const wanted = many ? 3 : long ? 14 : draw.whole(2, 10);
  const faults = Array.from({ length: wanted }, () => drawFault(draw.fork(), hosts, chaosMs));
  faults.sort((a, b) => a.at - b.at);
  const namesake = draw.chance(0.1) ? draw.one(hosts) : null;
  const withSeeds = draw.chance(0.1) && count > 2;
  return {
    seed,
    hosts,
    slots,
    intervalMs: draw.one([100, 300, 1000]),
    burstMs: draw.magnitude(500, 5000) * Math.max(1, count / 15) * (long ? 10 : 1),
    burstMax: draw.whole(1, 8),
    jobMs: draw.magnitude(30, 1000),
    chaosMs,
    faults,
    lossAfter: draw.one([0, 0, 0.05, 0.1]),
    strangers: drawStrangers(draw),
    namesake,
    seeds: withSeeds ? draw.some(hosts, 3) : [],
    unreached: withSeeds ? draw.some(hosts, count) : [],
  };
}

function drawFault(draw: Draw, hosts: readonly string[], chaosMs: number): Fault {
  const total = kinds.reduce((sum, [weight]) => sum + weight, 0);
  let left = draw.between(0, total);
  const [, makers] = kinds.find(([weight]) => (left -= weight) < 0) ?? kinds[0] ?? [0, network];
  const at = draw.between(0, chaosMs * 0.9);
  const forMs = Math.min(draw.magnitude(100, 300_000), chaosMs - at);
  return { at, forMs, ...draw.one(makers)(draw, hosts) };
}

function drawStrangers(draw: Draw): Stranger[] {
  if (!draw.chance(0.15)) return [];
  const how = draw.one(["another version", "another cluster", "another key"] as const);
  return Array.from({ length: draw.whole(1, 3) }, (_, index) => ({ name: `x${index}`, how }));
}

/** The schedule, in words. */
export function words(made: Scenario): string {
  const { seed, hosts, slots, intervalMs, burstMs, burstMax, jobMs, lossAfter, chaosMs } = made;
  const lines = [
    `seed ${seed}: ${hosts.length} hosts, ${[...slots.values()].reduce((a, b) => a + b, 0)} slots, load sampled every ${intervalMs} ms`,
    `up to ${burstMax} programs of ${jobMs.toFixed(0)} ms or so at each host, every ${(burstMs / 1000).toFixed(1)} s or so`,
  ];
  if (made.strangers.length > 0)
    lines.push(
      `on the same network, with ${made.strangers[0]?.how ?? ""}: ${made.strangers.map(({ name }) => name).join(" ")}`,
    );
  if (made.namesake) lines.push(`another machine is called ${made.namesake}, too`);
  if (made.seeds.length > 0)
    lines.push(`multicast does not reach ${made.unreached.join(" ")}; seeds: ${made.seeds.join(" ")}`);
  lines.push(...made.faults.map(text));
  lines.push(
    `${(chaosMs / 1000).toFixed(2).padStart(7)} s: all faults end, but for ${lossAfter * 100} % loss`,
  );
  return lines.join("\n");
}
