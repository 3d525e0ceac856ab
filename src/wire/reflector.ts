/**
 * What a seed does for those that know its address: it remembers who joined which group here, and to whom a group's
 * datagram is to be passed on. Pure.
 */
import type { Address } from "../core/messages.js";
import type { Group, Join } from "./envelope.js";

/** Hosts join every 3 s: three may be lost. */
export const memberMs = 10_000;
export const membersMax = 4096;

/** Who says JOIN. */
export interface Joiner {
  readonly address: Address;
  readonly boot: string;
  /** Of the datagram: grows within a boot. */
  readonly sequence: number;
}

interface Member {
  readonly by: Joiner;
  readonly join: Join;
  readonly at: number;
}

export class Reflector {
  /** Longest silent first. */
  readonly #members = new Map<Address, Member>();
  readonly #groups = { free: new Set<Address>(), leader: new Set<Address>() };
  #needing = 0;

  /** How many hosts have joined here. */
  get size(): number {
    return this.#members.size;
  }

  /** How many of them multicast does not reach. */
  get needing(): number {
    return this.#needing;
  }

  /** Takes a host in, or its change of groups unless a newer one came before; false when the table is full. */
  join(by: Joiner, join: Join, now: number): boolean {
    this.expire(now);
    const { address, boot, sequence } = by;
    const before = this.#members.get(address)?.by;
    if (!before && this.#members.size >= membersMax) return false;
    if (before?.boot === boot && before.sequence > sequence) return true;
    this.#remove(address);
    this.#members.set(address, { by, join, at: now });
    if (join.need) this.#needing += 1;
    if (join.free) this.#groups.free.add(address);
    if (join.leader) this.#groups.leader.add(address);
    return true;
  }

  /** Members of a group but for the one that a datagram comes from. */
  others(group: Group, origin: Address, now: number): Address[] {
    this.expire(now);
    return [...this.#groups[group]].filter((address) => address !== origin);
  }

  /** Forgets those that have not joined again. */
  expire(now: number): void {
    for (const [address, { at }] of this.#members) {
      if (now - at < memberMs) return;
      this.#remove(address);
    }
  }

  #remove(address: Address): void {
    const member = this.#members.get(address);
    if (!member) return;
    this.#members.delete(address);
    this.#groups.free.delete(address);
    this.#groups.leader.delete(address);
    if (member.join.need) this.#needing -= 1;
  }
}
