/** A simulated cluster that has come to rest: one leader, and every free host follows it. */
import type { SimHost } from "../host.js";
import { World } from "../world.js";

export interface ClusterOptions {
  readonly hosts: number;
  readonly seed: number;
  /** Probability that a datagram is lost, once the cluster is up. */
  readonly loss?: number;
  /** Share of the hosts that stay busy by load of their own, at least one host; 0 for none. */
  readonly busyShare?: number;
  /** Of each host; 4 when nothing is said. */
  readonly slots?: number;
}

export const slotsPerHost = 4;
/** Hosts that join each ms as the cluster comes up: as many at once as a leader that has just begun may meet. */
const joinsPerMs = 5;

export interface Cluster {
  readonly world: World;
  readonly free: readonly SimHost[];
  readonly busy: readonly SimHost[];
}

/** Hosts h0, h1, …; the last ones are busy. */
export function bringUp({
  hosts,
  seed,
  loss = 0,
  busyShare = 0.1,
  slots = slotsPerHost,
}: ClusterOptions): Cluster {
  const names = Array.from({ length: hosts }, (_, index) => `h${index}`);
  const world = new World({ seed, hosts: names, slots });
  world.tracing = false;
  const busyCount = busyShare > 0 ? Math.max(1, Math.round(hosts * busyShare)) : 0;
  const all = names.map((name) => world.host(name));
  const free = all.slice(0, hosts - busyCount);
  const busy = all.slice(hosts - busyCount);
  for (const host of busy) world.load(host.name, true, slots, 0, 100);
  for (let start = 0; start < free.length; start += joinsPerMs) {
    for (const host of free.slice(start, start + joinsPerMs)) world.load(host.name, false);
    if (start === 0) world.runUntil(() => world.leaders().length === 1, 10_000);
    else world.run(1);
  }
  const cluster = { world, free, busy };
  const ms = world.runUntil(() => agreed(cluster) !== null, 30_000);
  if (ms === Number.POSITIVE_INFINITY)
    throw new Error(`seed ${seed}: ${hosts} hosts do not agree on a leader`);
  world.loss = loss;
  return cluster;
}

/** The host that every free host which is up takes for the leader, if there is one. */
export function agreed({ world, free }: Cluster): SimHost | null {
  const name = free.find(({ alive }) => alive)?.node.leader ?? "";
  const leader = world.hosts.get(name);
  if (!leader?.alive || leader.node.role !== "leader") return null;
  return free.every(({ alive, node }) => !alive || node.leader === name) ? leader : null;
}
