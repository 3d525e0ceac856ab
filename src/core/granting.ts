/**
 * Slots promised: the leader's answers to REQUEST, RENEW and RELEASE, against the table of free hosts. Each costs the same
 * however many hosts there are.
 */
import type { Random } from "./events.js";
import { type GrantedLease, Grants } from "./grants.js";
import type { Wanted } from "./kinds/need.js";
import {
  type Deny,
  type Grant,
  type Leases,
  nobodySuits,
  type Release,
  type Renew,
  type Request,
  type Sender,
} from "./messages.js";
import { place } from "./placement.js";
import { Recent } from "./recent.js";
import type { Roster, RosterEntry } from "./roster.js";
import { perMessageMax, type Tables, type Tuning } from "./tuning.js";

export class Granting {
  readonly #leases = new Grants();
  /** Answers given lately by requester and request, so that a retry gets the same. */
  readonly #answers: Recent<Grant | Deny>;
  /** Since when nothing could be granted; null while it could. */
  #fullSince: number | null = null;

  constructor(
    private readonly roster: Roster,
    /** Until then a lease on a host that has not reported yet is believed. */
    private readonly settledAt: number,
    private readonly tuning: Tuning,
    private readonly random: Random,
  ) {
    this.#answers = new Recent(tuning.answersMax);
  }

  get size(): number {
    return this.#leases.size;
  }

  tables(): Tables {
    const { leasesMax, answersMax } = this.tuning;
    return { "leases granted": [this.#leases.size, leasesMax], answers: [this.#answers.size, answersMax] };
  }

  request(from: Sender, request: Request, now: number): Grant | Deny {
    const key = `${from.id} ${from.boot} ${request.request}`;
    const known = this.#answers.get(key);
    if (known) return known;
    const answer = this.#answer(from, request, now);
    this.#answers.set(key, answer);
    return answer;
  }

  renew(from: Sender, renew: Renew, now: number): Leases {
    const valid: string[] = [];
    const lost: string[] = [];
    for (const { id, host } of renew.leases) {
      const lease = this.#leases.get(id);
      if (lease?.home === from.id) this.#leases.renew(lease, now + this.tuning.leaseMs);
      const kept = lease ? lease.home === from.id : this.#adopt(id, host, from.id, now);
      (kept ? valid : lost).push(id);
    }
    return { type: "leases", valid, lost };
  }

  release(from: Sender, release: Release): void {
    for (const id of release.leases) {
      const lease = this.#leases.get(id);
      if (lease?.home === from.id) this.#end(lease);
    }
  }

  /** A home started anew: what it held before is given back. */
  forgetHome(id: string): void {
    for (const lease of this.#leases.ofHome(id)) this.#end(lease);
  }

  /** A host left the table: what was promised there is void. */
  forgetHost({ leases }: RosterEntry): void {
    for (const lease of leases) this.#leases.remove(lease);
  }

  /** Ends leases that were not renewed. */
  sweep(now: number): void {
    for (const lease of this.#leases.expired(now)) this.#end(lease);
  }

  #answer(from: Sender, request: Request, now: number): Grant | Deny {
    const excluded = new Set(request.exclude.slice(0, perMessageMax)).add(from.host);
    const { wanted } = request;
    const pool = {
      offering: this.roster.offering(request.compat),
      preferred: wanted.prefer.flatMap((host) => this.roster.get(host) ?? []),
    };
    const leases: GrantedLease[] = [];
    const count = Math.min(request.count, perMessageMax);
    while (leases.length < count && this.#leases.size < this.tuning.leasesMax) {
      const entry = place(pool, wanted, excluded, this.random, now);
      if (!entry) break;
      leases.push(this.#grant(this.#newId(), entry, from.id, now, now, wanted));
    }
    if (leases.length > 0) {
      this.#fullSince = null;
      const { leaseMs } = this.tuning;
      const refs = leases.map(({ id, host }) => ({ id, host }));
      return { type: "grant", request: request.request, lifeMs: leaseMs, leases: refs };
    }
    const why = !this.roster.knows(request.compat, excluded)
      ? nobodySuits
      : pool.offering.some(({ host }) => !excluded.has(host))
        ? `no host has ${lacking(wanted)} left`
        : "every suitable host is full";
    return { type: "deny", request: request.request, retryMs: this.#retryMs(now), why };
  }

  #retryMs(now: number): number {
    this.#fullSince ??= now;
    const { denyMinMs, denyMaxMs } = this.tuning;
    return Math.round(Math.min(denyMaxMs, denyMinMs + (now - this.#fullSince) / 10));
  }

  #grant(
    id: string,
    entry: RosterEntry,
    home: string,
    grantedAt: number,
    now: number,
    wanted?: Wanted,
  ): GrantedLease {
    const expiresAt = now + this.tuning.leaseMs;
    const lease = { id, host: entry.host, home, grantedAt, expiresAt, ...(wanted && { wanted }) };
    this.#leases.add(lease);
    this.roster.attach(entry, lease);
    return lease;
  }

  /** A lease of an earlier leader: kept when its host has the slot, taken for one in use if the host runs guests. */
  #adopt(id: string, host: string, home: string, now: number): boolean {
    const entry = this.roster.get(host);
    if (!entry) return now < this.settledAt;
    if (this.#leases.size >= this.tuning.leasesMax) return false;
    const lease = this.#grant(id, entry, home, Number.NEGATIVE_INFINITY, now);
    if (entry.offer >= 0) return true;
    this.#end(lease);
    return false;
  }

  #end(lease: GrantedLease): void {
    this.#leases.remove(lease);
    this.roster.detach(lease);
  }

  #newId(): string {
    const half = () =>
      Math.floor(this.random() * 0x1_0000_0000)
        .toString(16)
        .padStart(8, "0");
    return half() + half();
  }
}

/** What the hosts with a slot on offer do not have. */
function lacking({ io, memoryMb }: Wanted): string {
  return [...(io ? ["an idle disk"] : []), ...(memoryMb > 0 ? [`${memoryMb} MiB of memory`] : [])].join(
    " and ",
  );
}
