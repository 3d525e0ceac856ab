/**
 * Seeds: hosts known by address that pass the groups' datagrams on where multicast does not reach. Every host can be
 * one for others; a host that knows some joins at each. Pure: times come in, datagrams go out by `send`.
 */
import type { Address } from "../core/messages.js";
import { type Envelope, type Group, type Join, type Joined, noSeed } from "./envelope.js";
import { Passed } from "./passed.js";
import { Reach } from "./reach.js";
import { type Joiner, Reflector } from "./reflector.js";

export const joinMs = 3000;
/** A JOIN after a change is repeated so soon while it has no answer, so often. */
const joinAgainMs = 150;
const joinsAgain = 3;
/** A seed that has answered so lately is used; others that came by one so lately are there. */
const answeredMs = 10_000;
/** Most seeds. */
export const seedsMax = 32;

interface Seed {
  /** As it last said; `noSeed` before. */
  boot: string;
  /** When the next JOIN is due. */
  dueAt: number;
  /** JOINs since the last answer or change. */
  asked: number;
  answer: Joined | null;
  answeredAt: number;
}

/** One message for several hosts: sealed once. */
export type SendAll = (to: readonly Address[], message: Envelope) => void;

export class Seeds {
  readonly reach = new Reach();
  readonly #reflector = new Reflector();
  readonly #seeds = new Map<Address, Seed>();
  readonly #passed = new Passed();
  #groups = { free: false, leader: false };
  /** `need` of the last JOIN. */
  #told = false;
  /** When a seed last passed on a datagram of another host. */
  #passedAt = Number.NEGATIVE_INFINITY;
  /** When a datagram to that group went to the seeds last. */
  readonly #relayedAt = { free: Number.NEGATIVE_INFINITY, leader: Number.NEGATIVE_INFINITY };
  #reviewAt = Number.POSITIVE_INFINITY;

  /** @param boot this host's own */
  constructor(
    private readonly boot: string,
    private readonly send: SendAll,
  ) {}

  /** Whether this host knows seeds, or is one. */
  get active(): boolean {
    return this.#seeds.size > 0 || this.#reflector.size > 0;
  }

  get count(): number {
    return this.#seeds.size;
  }

  /** Hosts that this one is a seed for. */
  get serving(): number {
    return this.#reflector.size;
  }

  /** How many have answered lately. */
  answering(now: number): number {
    return [...this.#seeds.values()].filter((seed) => answers(seed, now)).length;
  }

  /** The seeds from now on, this host itself not among them; those beyond `seedsMax` are left out. */
  use(addresses: readonly Address[], now: number): void {
    const wanted = new Set(addresses.slice(0, seedsMax));
    for (const address of this.#seeds.keys()) if (!wanted.has(address)) this.#seeds.delete(address);
    for (const address of wanted) {
      if (this.#seeds.has(address)) continue;
      const answeredAt = Number.NEGATIVE_INFINITY;
      this.#seeds.set(address, { boot: noSeed, dueAt: now, asked: 0, answer: null, answeredAt });
    }
    this.#reviewAt = Math.min(this.#reviewAt, now);
    this.tick(now);
  }

  /** Which groups this host is in from now on: the seeds are told at once. */
  groups(groups: { free: boolean; leader: boolean }, now: number): void {
    this.#groups = { free: groups.free, leader: groups.leader };
    this.#joinAll(now);
  }

  isMember(group: Group): boolean {
    return this.#groups[group];
  }

  wakeAt(): number {
    let at = this.active ? this.#reviewAt : Number.POSITIVE_INFINITY;
    for (const { dueAt } of this.#seeds.values()) at = Math.min(at, dueAt);
    return at;
  }

  tick(now: number): void {
    if (now >= this.#reviewAt) {
      this.reach.review(now);
      this.#reflector.expire(now);
      this.#reviewAt = now + joinMs;
    }
    this.#tellNeed(now);
    for (const [address, seed] of this.#seeds) if (now >= seed.dueAt) this.#join(address, seed, now);
  }

  /** A JOIN that is not for this boot of this host only tells it to its sender: it may be a captured one, sent on. */
  onJoin(from: Joiner, join: Join, now: number): void {
    if (join.seed === this.boot && !this.#reflector.join(from, join, now)) return;
    this.#reviewAt = Math.min(this.#reviewAt, now + joinMs);
    const { free, leader } = this.#groups;
    const members = this.#reflector.size + (free || leader ? 1 : 0);
    const needing = this.#reflector.needing + (this.#needs() ? 1 : 0);
    this.send([from.address], { type: "joined", members, needing });
  }

  onJoined({ address, boot }: Omit<Joiner, "sequence">, joined: Joined, now: number): void {
    const seed = this.#seeds.get(address);
    if (!seed) return;
    seed.asked = 0;
    seed.answer = joined;
    seed.answeredAt = now;
    seed.dueAt = Math.max(seed.dueAt, now + joinMs - joinAgainMs);
    if (boot === seed.boot) return;
    seed.boot = boot;
    this.#join(address, seed, now);
  }

  /** As a seed: passes on what a host sent to a group. */
  onRelay(from: Address, group: Group, data: Uint8Array, now: number): void {
    const to = this.#reflector.others(group, from, now);
    if (to.length > 0) this.send(to, { type: "relayed", group, origin: from, data });
  }

  /** A datagram came through its group for the first time. */
  viaGroup(origin: string, now: number): void {
    if (!this.active) return;
    this.reach.viaGroup(origin, now);
    this.#tellNeed(now);
  }

  /** One that was seen before came through its group: whether as the other copy of what a seed passed on. */
  againViaGroup(origin: string, copy: string, now: number): boolean {
    if (!this.#passed.take(copy, now)) return false;
    this.viaGroup(origin, now);
    return true;
  }

  /** A datagram came by way of a seed, or to this host as one; `first`: it was not seen before. */
  viaSeed(origin: string, copy: string, first: boolean, now: number): void {
    if (first) this.#passed.add(copy, now);
    this.#passedAt = now;
    this.reach.viaSeed(origin, now);
    this.#tellNeed(now);
  }

  /**
   * This host sends to a group: as long as multicast does not reach everyone, the seeds pass it on too. Else one in
   * `joinMs` goes by them, so that those whom multicast no longer reaches find out.
   */
  pass(group: Group, data: Uint8Array, now: number): void {
    if (!this.active) return;
    if (!this.#wanted(now) && now - this.#relayedAt[group] < joinMs) return;
    this.#relayedAt[group] = now;
    const seeds = [...this.#seeds].filter(([, seed]) => answers(seed, now)).map(([address]) => address);
    if (seeds.length > 0) this.send(seeds, { type: "relay", group, data });
    this.onRelay("", group, data, now);
  }

  /** Whether each datagram is to go by the seeds: there is another host, and one that multicast does not reach. */
  #wanted(now: number): boolean {
    const fresh = [...this.#seeds.values()].flatMap((seed) =>
      seed.answer && answers(seed, now) ? [seed.answer] : [],
    );
    const others =
      this.#reflector.size > 0 ||
      now - this.#passedAt < answeredMs ||
      fresh.some(({ members }) => members > 1);
    const needed =
      this.reach.verdict !== "yes" || this.#reflector.needing > 0 || fresh.some(({ needing }) => needing > 0);
    return others && needed;
  }

  /** A host in no group misses nothing. */
  #needs(): boolean {
    const { free, leader } = this.#groups;
    return this.reach.verdict !== "yes" && (free || leader);
  }

  #tellNeed(now: number): void {
    if (this.#needs() !== this.#told) this.#joinAll(now);
  }

  #joinAll(now: number): void {
    this.#told = this.#needs();
    for (const [address, seed] of this.#seeds) {
      seed.asked = 0;
      this.#join(address, seed, now);
    }
  }

  #join(address: Address, seed: Seed, now: number): void {
    seed.asked += 1;
    seed.dueAt = now + (seed.asked <= joinsAgain ? joinAgainMs : joinMs);
    this.send([address], { type: "join", seed: seed.boot, ...this.#groups, need: this.#needs() });
  }
}

function answers(seed: Seed, now: number): boolean {
  return now - seed.answeredAt < answeredMs;
}
