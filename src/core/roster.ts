/** The leader's table of free hosts, with the leases it granted on each. */
import type { Available, Sender } from "./messages.js";

export interface GrantedLease {
  readonly id: string;
  readonly host: string;
  /** Name of the host that asked. */
  readonly home: string;
  /** When the slot was promised; -Infinity for a lease taken over from an earlier leader, which is older than any report. */
  readonly grantedAt: number;
  expiresAt: number;
}

export interface RosterEntry {
  readonly host: string;
  from: Sender;
  report: Available;
  reportedAt: number;
  dropAt: number;
  /** Position in the roster's list. */
  index: number;
  readonly leases: Map<string, GrantedLease>;
}

/**
 * Slots of a host that can be promised: what it reported free, less the leases whose use cannot be among the guests
 * it reported. A lease in use shows as a guest's slot, so it does not count twice. May be negative.
 */
export function offerable(entry: RosterEntry): number {
  let old = 0;
  for (const lease of entry.leases.values()) if (lease.grantedAt < entry.reportedAt) old += 1;
  return entry.report.free + Math.min(entry.report.guests, old) - entry.leases.size;
}

export class Roster {
  readonly #byHost = new Map<string, RosterEntry>();
  /** The same entries in a list, so that one can be drawn at random. */
  readonly #list: RosterEntry[] = [];

  constructor(private readonly hostsMax: number) {}

  get size(): number {
    return this.#list.length;
  }

  get(host: string): RosterEntry | undefined {
    return this.#byHost.get(host);
  }

  at(index: number): RosterEntry | undefined {
    return this.#list[index];
  }

  entries(): readonly RosterEntry[] {
    return this.#list;
  }

  /** Takes a report in. False when the table is full. */
  report(from: Sender, report: Available, now: number, dropAt: number): boolean {
    const known = this.#byHost.get(from.host);
    if (known) {
      known.from = from;
      known.report = report;
      known.reportedAt = now;
      known.dropAt = dropAt;
      return true;
    }
    if (this.#list.length >= this.hostsMax) return false;
    const index = this.#list.length;
    const entry: RosterEntry = {
      host: from.host,
      from,
      report,
      reportedAt: now,
      dropAt,
      index,
      leases: new Map(),
    };
    this.#byHost.set(from.host, entry);
    this.#list.push(entry);
    return true;
  }

  remove(host: string): RosterEntry | undefined {
    const entry = this.#byHost.get(host);
    if (!entry) return undefined;
    this.#byHost.delete(host);
    const last = this.#list.pop();
    if (last && last !== entry) {
      this.#list[entry.index] = last;
      last.index = entry.index;
    }
    return entry;
  }
}
