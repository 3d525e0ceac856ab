/** Datagrams per second at the leader, at free hosts and at busy ones, at rest and under jobs. */
import type { SimHost } from "../host.js";
import { agreed, bringUp, slotsPerHost } from "./cluster.js";
import { callersOf, start } from "./herd.js";
import { arrivals, newTally } from "./jobs.js";
import { Machine } from "./machine.js";
import { mean, most } from "./stats.js";
import { Traffic } from "./traffic.js";

export interface RateOptions {
  readonly hosts: number;
  readonly seed: number;
  /** Jobs that are asked for each second in the whole cluster. */
  readonly jobsPerSecond: number;
  /** Probability that a datagram is lost. */
  readonly loss?: number;
  /** Before it is counted, and while it is. */
  readonly settleMs: number;
  readonly seconds: number;
}

interface Flow {
  readonly received: number;
  readonly sent: number;
}

export interface Rates {
  readonly leader: Flow;
  /** The mean of all free hosts but the leader. */
  readonly free: Flow;
  readonly freeMost: number;
  readonly busy: Flow;
  /** Datagrams that busy hosts received and had not asked for: how many, in all. */
  readonly unsolicited: number;
  /** REQUEST, RENEW and RELEASE, reports: sent in the cluster per second. */
  readonly requests: number;
  readonly leases: number;
  readonly reports: number;
  /** CLAIMs of hosts that missed ADVERTs. */
  readonly claims: number;
  readonly jobMs: number;
}

/** No job is longer; and together they take no more than this share of the free hosts' slots. */
const longestMs = 500;
const loadMax = 0.7;

export function rates({ hosts, seed, jobsPerSecond, loss = 0, settleMs, seconds }: RateOptions): Rates {
  const cluster = bringUp({ hosts, seed, loss });
  const { world, free, busy } = cluster;
  const machines = [...free, ...busy].map((host) => new Machine(world, host, busy.includes(host)));
  const callers = callersOf(world, machines, true, newTally());
  const capacity = (loadMax * free.length * slotsPerHost * 1000) / Math.max(1, jobsPerSecond);
  const jobMs = Math.min(longestMs, capacity);
  world.run(settleMs);
  if (jobsPerSecond > 0) {
    const total = seconds + 5;
    const draw = (): number => jobMs;
    start(world, arrivals({ seed, perSecond: jobsPerSecond, seconds: total, homes: hosts, draw }), callers);
    world.run(5000);
  }
  world.runUntil(() => agreed(cluster) !== null, 5000);
  const leader = agreed(cluster);
  if (!leader) throw new Error(`seed ${seed}: no leader`);
  const traffic = new Traffic(world);
  world.run(seconds * 1000);
  if (leader.node.role !== "leader") throw new Error(`seed ${seed}: the leader changed meanwhile`);
  const flow = (of: readonly SimHost[]): Flow => ({
    received: mean(of.map((host) => traffic.receivedRate(host))),
    sent: mean(of.map((host) => traffic.sentRate(host))),
  });
  const others = free.filter((host) => host !== leader);
  return {
    leader: flow([leader]),
    free: flow(others),
    freeMost: most(others.map((host) => traffic.receivedRate(host))),
    busy: flow(busy),
    unsolicited: traffic.unsolicited,
    requests: traffic.rate("request"),
    leases: traffic.rate("renew", "release"),
    reports: traffic.rate("available", "unavailable"),
    claims: traffic.rate("claim"),
    jobMs,
  };
}
