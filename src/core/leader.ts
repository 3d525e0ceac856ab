/**
 * What only the leader does: keeps the table of free hosts and has requests answered with leased slots. All of it is soft
 * state: a new leader rebuilds it from reports and renewals within moments.
 */
import type { Random, Send } from "./events.js";
import { Granting } from "./granting.js";
import type { Advert, Available, Message, Query, Row, Sender } from "./messages.js";
import { Names } from "./names.js";
import { Roster, type RosterEntry } from "./roster.js";
import {
  deafFor,
  refreshFor,
  rowsPerMessage,
  soonerThan,
  spreadFor,
  type Tables,
  type Tuning,
} from "./tuning.js";

export interface LeaderOptions {
  readonly self: Sender;
  readonly since: number;
  /** Hosts that the leader before had, to pace the first reports. */
  readonly hostsBefore: number;
  readonly tuning: Tuning;
  readonly random: Random;
  readonly send: Send;
}

/** What is sent to the leader group. */
export type ToLeader = Extract<
  Message,
  { type: "available" | "unavailable" | "request" | "renew" | "release" | "query" }
>;

export class Leader {
  readonly #roster: Roster;
  readonly #names: Names;
  readonly #granting: Granting;
  #sweepAt = 0;
  /** When another host last spoke to the leader. */
  #heardAt: number;
  readonly #settledAt: number;
  readonly #tuning: Tuning;

  constructor(private readonly options: LeaderOptions) {
    const { self, since, hostsBefore, tuning, random } = options;
    this.#tuning = tuning;
    this.#roster = new Roster(tuning.hostsMax);
    this.#names = new Names(tuning.hostsMax);
    this.#names.admit(self, since, Number.POSITIVE_INFINITY);
    this.#heardAt = since;
    this.#settledAt = since + tuning.settleMs + spreadFor(hostsBefore);
    this.#granting = new Granting(this.#roster, this.#settledAt, tuning, random);
  }

  get leaseCount(): number {
    return this.#granting.size;
  }

  /** Sizes of the tables, and their bounds. */
  tables(): Tables {
    const { hostsMax } = this.#tuning;
    return {
      hosts: [this.#roster.size, hostsMax],
      names: [this.#names.size, hostsMax],
      ...this.#granting.tables(),
    };
  }

  advert(epoch: number, ballot: number, votes: number, now: number): Advert {
    const hosts = Math.max(this.#roster.size, 1);
    const expected = this.#expected(now);
    const [refresh, spreadMs] = [refreshFor(expected, this.#tuning), spreadFor(expected)];
    const refreshMs = this.#quiet(now) ? soonerThan(refresh) : refresh;
    return { type: "advert", epoch, ballot, votes, hosts, free: this.#roster.free, refreshMs, spreadMs };
  }

  /** Whether others were asked to report, and none is heard: this host has lost its hearing. */
  deaf(now: number): boolean {
    return this.#quiet(now) && now - this.#heardAt > deafFor(this.#roster.size - 1, this.#tuning);
  }

  /** Ends leases and hosts that were not renewed. */
  tick(now: number): void {
    if (now < this.#sweepAt) return;
    this.#sweepAt = now + this.#tuning.advertMs / 2;
    const entries = this.#roster.entries();
    // From the end: whoever takes the place of one that goes was looked at.
    for (let index = entries.length - 1; index >= 0; index--) {
      const entry = entries[index];
      if (entry && entry.dropAt <= now) this.#drop(entry.host);
    }
    this.#granting.sweep(now);
    this.#names.sweep(now);
  }

  /** False when the sender's name is another's, or it is an earlier incarnation that speaks. */
  receive(from: Sender, message: ToLeader, now: number): boolean {
    const admission = this.#names.admit(from, now, now + this.#tuning.leaseMs);
    if (admission.kind === "outdated") return false;
    if (admission.kind === "namesake") {
      const { id, address } = admission.holder;
      if (message.type !== "release" && message.type !== "unavailable")
        this.#send(from, { type: "namesake", host: from.host, id, address });
      return false;
    }
    if (from.id !== this.options.self.id) this.#heardAt = now;
    if (admission.kind === "anew") this.#forget(from, message);
    this.#serve(from, message, now);
    return true;
  }

  #serve(from: Sender, message: ToLeader, now: number): void {
    switch (message.type) {
      case "available":
        this.#onAvailable(from, message, now);
        return;
      case "unavailable":
        this.#names.leave(from.host, now + this.#tuning.leaseMs);
        this.#drop(from.host);
        return;
      case "request":
        this.#send(from, this.#granting.request(from, message, now));
        return;
      case "renew":
        this.#send(from, this.#granting.renew(from, message, now));
        return;
      case "release":
        this.#granting.release(from, message);
        return;
      case "query":
        this.#onQuery(from, message, now);
    }
  }

  /** A host started anew: what it held before is given back, and what it offered counts once it says so again. */
  #forget(from: Sender, message: ToLeader): void {
    this.#granting.forgetHome(from.id);
    if (message.type !== "available") this.#drop(from.host);
  }

  #onAvailable(from: Sender, report: Available, now: number): void {
    const dropAt = now + this.#tuning.refreshesMissed * refreshFor(this.#expected(now) + 1, this.#tuning);
    if (this.#roster.report(from, report, now, dropAt)) this.#names.admit(from, now, dropAt);
  }

  #onQuery(from: Sender, query: Query, now: number): void {
    const rows = this.#roster
      .entries()
      .slice(0, this.#tuning.rowsMax)
      .map((entry) => row(entry, now));
    for (let start = 0; start === 0 || start < rows.length; start += rowsPerMessage) {
      const some = rows.slice(start, start + rowsPerMessage);
      this.#send(from, { type: "rows", query: query.query, total: rows.length, rows: some });
    }
  }

  #drop(host: string): void {
    const entry = this.#roster.remove(host);
    if (entry) this.#granting.forgetHost(entry);
  }

  /** Others are in the table, but nothing came from any of them for a while. */
  #quiet(now: number): boolean {
    return this.#roster.size > 1 && now - this.#heardAt > this.#tuning.silenceMs;
  }

  /** How many hosts there are, as far as is known: a new leader has yet to hear of most. */
  #expected(now: number): number {
    const before = now < this.#settledAt ? this.options.hostsBefore : 1;
    return Math.max(this.#roster.size, before);
  }

  #send(to: Sender, message: Message): void {
    this.options.send({ address: to.address }, message);
  }
}

function row(entry: RosterEntry, now: number): Row {
  const { total, cpuPercent, compat } = entry.report;
  const free = Math.max(0, entry.offer);
  const ageMs = Math.round(now - entry.reportedAt);
  return { host: entry.host, address: entry.from.address, free, total, cpuPercent, compat, ageMs };
}
