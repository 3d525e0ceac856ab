/**
 * The leader is killed again and again: how long until somebody is granted a host, until all agree, and what the
 * election costs.
 */
import type { SimHost } from "../host.js";
import type { Output } from "../station.js";
import type { World } from "../world.js";
import { agreed, bringUp, type Cluster, type ClusterOptions } from "./cluster.js";
import { mean, most } from "./stats.js";
import { Traffic } from "./traffic.js";

export interface Failover {
  /** From the kill to the next grant at a free host that asks, ms. */
  readonly free: number;
  /** The same at a busy host, which hears no ADVERT. */
  readonly busy: number;
  /** Until every free host follows the new leader, ms. */
  readonly agree: number;
  /** Sent between the kill and that moment, a multicast counted once. */
  readonly claims: number;
  readonly votes: number;
  readonly holds: number;
  readonly adverts: number;
  /** Received in that time by the free hosts: on average, by the worst, by the new leader. */
  readonly heardMean: number;
  readonly heardMax: number;
  readonly heardLeader: number;
}

const askEveryMs = 50;
/** It asks for so long before the kill: a host that has just been served. */
const askBeforeMs = 1000;
const limitMs = 60_000;
/** Between an agreement and the next kill: first reports are in, and a dead leader's are forgotten. */
const restMs = 8000;

/** Kills the leader so often, in one cluster; each time at another moment of its period. */
export function failovers(options: ClusterOptions, kills: number): Failover[] {
  const cluster = bringUp(options);
  const { world } = cluster;
  world.run(restMs);
  const traffic = new Traffic(world);
  return Array.from({ length: kills }, () => failover(cluster, traffic));
}

function failover(cluster: Cluster, traffic: Traffic): Failover {
  const { world, free, busy } = cluster;
  const leader = leaderOf(cluster);
  const askers = [free, busy].map((hosts) => new Asker(world, draw(world, hosts, leader)));
  const watch = world.watch;
  world.watch = (host, output, cause) => {
    watch?.(host, output, cause);
    for (const asker of askers) asker.see(host, output);
  };
  world.run(askBeforeMs + 400 * world.random());
  if (leader.node.role !== "leader") throw new Error(`${leader.name} no longer leads, and nobody killed it`);
  for (const asker of askers) asker.mark();
  traffic.restart();
  world.crash(leader.name);
  const agree = world.runUntil(() => agreed(cluster) !== null, limitMs);
  const heard = free.filter((host) => host !== leader).map((host) => traffic.received(host));
  const winner = agreed(cluster);
  const claims = traffic.sum("claim");
  const votes = traffic.sum("vote");
  const holds = traffic.sum("hold");
  const adverts = traffic.sum("advert");
  const heardLeader = winner ? traffic.received(winner) : Number.NaN;
  world.runUntil(() => askers.every((asker) => asker.waitedMs !== Number.POSITIVE_INFINITY), limitMs);
  for (const asker of askers) asker.stop();
  world.watch = watch;
  world.restart(leader.name);
  world.load(leader.name, false);
  world.run(restMs);
  for (const host of world.hosts.values()) host.answers.length = 0;
  const [first = Number.NaN, second = Number.NaN] = askers.map((asker) => asker.waitedMs);
  const costs = { claims, votes, holds, adverts, heardMean: mean(heard), heardMax: most(heard), heardLeader };
  return { free: first, busy: second, agree, ...costs };
}

/** Where datagrams are lost there is always a host that has just missed some ADVERTs: it is waited for. */
function leaderOf(cluster: Cluster): SimHost {
  cluster.world.runUntil(() => agreed(cluster) !== null, limitMs);
  const leader = agreed(cluster);
  if (!leader) throw new Error("no leader before the kill");
  return leader;
}

function draw(world: World, hosts: readonly SimHost[], not: SimHost): SimHost {
  const others = hosts.filter((host) => host !== not);
  const host = others[Math.floor(world.random() * others.length)];
  if (!host) throw new Error("nobody left to ask");
  return host;
}

/** A client that asks for a host every 50 ms and gives it back at once. */
class Asker {
  /** From the mark to the first grant that was asked for after it. */
  waitedMs = Number.POSITIVE_INFINITY;
  #asked = 0;
  #markedAt = Number.POSITIVE_INFINITY;
  #markedId = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(
    private readonly world: World,
    private readonly host: SimHost,
  ) {
    world.at(askEveryMs * world.random(), () => this.#ask());
  }

  mark(): void {
    this.#markedAt = this.world.now;
    this.#markedId = this.#asked;
  }

  stop(): void {
    this.#stopped = true;
  }

  see(host: SimHost, output: Output): void {
    if (host !== this.host || output.kind !== "grant") return;
    if (output.id > this.#markedId) this.waitedMs = Math.min(this.waitedMs, this.world.now - this.#markedAt);
    const ids = output.leases.map(({ id }) => id);
    this.world.at(0, () => this.world.release(host.name, ids));
  }

  #ask(): void {
    if (this.#stopped) return;
    this.#asked += 1;
    this.world.request(this.host.name, this.#asked);
    this.world.at(askEveryMs, () => this.#ask());
  }
}
