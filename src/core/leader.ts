/**
 * What only the leader does: keeps the table of free hosts and answers requests with leased slots. All of it is soft
 * state: a new leader rebuilds it from reports and renewals within moments.
 */
import type { Random, Send } from "./events.js";
import type { Advert, Available, Message, Query, Release, Renew, Request, Row, Sender } from "./messages.js";
import { place } from "./placement.js";
import { type GrantedLease, offerable, Roster, type RosterEntry } from "./roster.js";
import { perMessageMax, refreshFor, rowsPerMessage, spreadFor, type Tuning } from "./tuning.js";

export class Leader {
  readonly #roster: Roster;
  readonly #leases = new Map<string, GrantedLease>();
  /** Answers given lately by requester and request, so that a retry gets the same. Oldest first. */
  readonly #answers = new Map<string, Message>();
  /** Since when nothing could be granted; null while it could. */
  #fullSince: number | null = null;
  #sweepAt = 0;

  constructor(
    private readonly since: number,
    /** Hosts that the leader before had, to pace the first reports. */
    private readonly hostsBefore: number,
    private readonly tuning: Tuning,
    private readonly random: Random,
    private readonly send: Send,
  ) {
    this.#roster = new Roster(tuning.hostsMax);
  }

  get leaseCount(): number {
    return this.#leases.size;
  }

  advert(epoch: number, ballot: number): Advert {
    const hosts = Math.max(this.#roster.size, 1);
    let free = 0;
    for (const entry of this.#roster.entries()) free += Math.max(0, offerable(entry));
    const refreshMs = refreshFor(hosts, this.tuning);
    const spreadMs = spreadFor(Math.max(hosts, this.hostsBefore));
    return { type: "advert", epoch, ballot, hosts, free, refreshMs, spreadMs };
  }

  /** Ends leases and hosts that were not renewed. */
  tick(now: number): void {
    if (now < this.#sweepAt) return;
    this.#sweepAt = now + this.tuning.advertMs / 2;
    for (const entry of [...this.#roster.entries()]) if (entry.dropAt <= now) this.#drop(entry.host);
    for (const lease of this.#leases.values()) if (lease.expiresAt <= now) this.#end(lease.id);
  }

  onAvailable(from: Sender, report: Available, now: number): void {
    const refresh = refreshFor(Math.max(this.#roster.size, 1) + 1, this.tuning);
    this.#roster.report(from, report, now, now + this.tuning.refreshesMissed * refresh);
  }

  onUnavailable(from: Sender): void {
    this.#drop(from.host);
  }

  onRequest(from: Sender, request: Request, now: number): void {
    const key = `${from.host} ${from.boot} ${request.request}`;
    const known = this.#answers.get(key);
    const answer = known ?? this.#answer(from, request, now);
    if (!known) {
      this.#answers.set(key, answer);
      const oldest =
        this.#answers.size > this.tuning.answersMax ? this.#answers.keys().next().value : undefined;
      if (oldest !== undefined) this.#answers.delete(oldest);
    }
    this.send({ address: from.address }, answer);
  }

  onRenew(from: Sender, renew: Renew, now: number): void {
    const valid: string[] = [];
    const lost: string[] = [];
    for (const { id, host } of renew.leases) {
      const lease = this.#leases.get(id);
      if (lease) lease.expiresAt = now + this.tuning.leaseMs;
      (lease || this.#adopt(id, host, from.host, now) ? valid : lost).push(id);
    }
    this.send({ address: from.address }, { type: "leases", valid, lost });
  }

  onRelease(from: Sender, release: Release): void {
    for (const id of release.leases) if (this.#leases.get(id)?.home === from.host) this.#end(id);
  }

  onQuery(from: Sender, query: Query, now: number): void {
    const rows = this.#roster
      .entries()
      .slice(0, this.tuning.rowsMax)
      .map((entry) => row(entry, now));
    for (let start = 0; start === 0 || start < rows.length; start += rowsPerMessage) {
      const some = rows.slice(start, start + rowsPerMessage);
      this.send(
        { address: from.address },
        { type: "rows", query: query.query, total: rows.length, rows: some },
      );
    }
  }

  #answer(from: Sender, request: Request, now: number): Message {
    const exclude = new Set(request.exclude);
    const matches = (entry: RosterEntry) =>
      entry.host !== from.host && entry.report.compat === request.compat && !exclude.has(entry.host);
    const suits = (entry: RosterEntry) => matches(entry) && offerable(entry) > 0;
    const leases: GrantedLease[] = [];
    const wanted = Math.min(request.count, perMessageMax);
    while (leases.length < wanted && this.#leases.size < this.tuning.leasesMax) {
      const entry = place(this.#roster, suits, this.random, now);
      if (!entry) break;
      leases.push(this.#grant(this.#newId(), entry, from.host, now, now));
    }
    if (leases.length > 0) {
      this.#fullSince = null;
      const { leaseMs } = this.tuning;
      const refs = leases.map(({ id, host }) => ({ id, host }));
      return { type: "grant", request: request.request, lifeMs: leaseMs, leases: refs };
    }
    const full = this.#roster.entries().some(matches);
    const why = full ? "every suitable host is full" : "no suitable host is free";
    return { type: "deny", request: request.request, retryMs: this.#retryMs(now), why };
  }

  #retryMs(now: number): number {
    this.#fullSince ??= now;
    const { denyMinMs, denyMaxMs } = this.tuning;
    return Math.round(Math.min(denyMaxMs, denyMinMs + (now - this.#fullSince) / 10));
  }

  #grant(id: string, entry: RosterEntry, home: string, grantedAt: number, now: number): GrantedLease {
    const lease = { id, host: entry.host, home, grantedAt, expiresAt: now + this.tuning.leaseMs };
    this.#leases.set(id, lease);
    entry.leases.set(id, lease);
    return lease;
  }

  /** A lease of an earlier leader: kept when its host has the slot, taken for one in use if the host runs guests. */
  #adopt(id: string, host: string, home: string, now: number): boolean {
    const entry = this.#roster.get(host);
    if (!entry) return now - this.since < this.tuning.settleMs;
    if (this.#leases.size >= this.tuning.leasesMax) return false;
    this.#grant(id, entry, home, Number.NEGATIVE_INFINITY, now);
    if (offerable(entry) >= 0) return true;
    this.#end(id);
    return false;
  }

  #end(id: string): void {
    const lease = this.#leases.get(id);
    if (!lease) return;
    this.#leases.delete(id);
    this.#roster.get(lease.host)?.leases.delete(id);
  }

  #drop(host: string): void {
    for (const id of this.#roster.remove(host)?.leases.keys() ?? []) this.#leases.delete(id);
  }

  #newId(): string {
    const half = () =>
      Math.floor(this.random() * 0x1_0000_0000)
        .toString(16)
        .padStart(8, "0");
    return half() + half();
  }
}

function row(entry: RosterEntry, now: number): Row {
  const { total, cpuPercent, compat } = entry.report;
  const free = Math.max(0, offerable(entry));
  const ageMs = Math.round(now - entry.reportedAt);
  return { host: entry.host, address: entry.from.address, free, total, cpuPercent, compat, ageMs };
}
