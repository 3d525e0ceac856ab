/**
 * The leader's table of free hosts. What it adds up to (hosts, slots on offer) and who has something to offer is kept
 * as it changes, so that neither an ADVERT nor a REQUEST looks through the table.
 */
import type { GrantedLease } from "./grants.js";
import type { Available, Sender } from "./messages.js";

export interface RosterEntry {
  readonly host: string;
  from: Sender;
  report: Available;
  reportedAt: number;
  dropAt: number;
  readonly leases: Set<GrantedLease>;
  /** How many of the leases are older than the report, so that their use can be among its guests. */
  old: number;
  /** Slots that can be promised, as of the last change. */
  offer: number;
  /** Position in the roster's list. */
  index: number;
  /** Position among those of its compatibility that offer something; -1 when it does not. */
  offerIndex: number;
}

/** Hosts that run the same programs. */
interface Pool {
  hosts: number;
  readonly offering: RosterEntry[];
}

const nobody: readonly RosterEntry[] = [];

/**
 * Slots of a host that can be promised: what it reported free, less the leases whose use cannot be among the guests
 * it reported. A lease in use shows as a guest's slot, so it does not count twice. May be negative.
 */
function offerable({ report, leases, old }: RosterEntry): number {
  return report.free + Math.min(report.guests, old) - leases.size;
}

export class Roster {
  readonly #byHost = new Map<string, RosterEntry>();
  readonly #list: RosterEntry[] = [];
  readonly #pools = new Map<string, Pool>();
  #free = 0;

  constructor(private readonly hostsMax: number) {}

  get size(): number {
    return this.#list.length;
  }

  /** Slots on offer at all hosts. */
  get free(): number {
    return this.#free;
  }

  get(host: string): RosterEntry | undefined {
    return this.#byHost.get(host);
  }

  entries(): readonly RosterEntry[] {
    return this.#list;
  }

  /** Hosts of a compatibility that have a slot to offer. */
  offering(compat: string): readonly RosterEntry[] {
    return this.#pools.get(compat)?.offering ?? nobody;
  }

  /** Whether hosts of a compatibility are known beside these. */
  knows(compat: string, beside: ReadonlySet<string>): boolean {
    let known = 0;
    for (const host of beside) if (this.#byHost.get(host)?.report.compat === compat) known += 1;
    return (this.#pools.get(compat)?.hosts ?? 0) > known;
  }

  /** Takes a report in. False when the table is full. */
  report(from: Sender, report: Available, now: number, dropAt: number): boolean {
    let entry = this.#byHost.get(from.host);
    if (entry) this.#leavePool(entry);
    else {
      if (this.#list.length >= this.hostsMax) return false;
      const index = this.#list.length;
      const leases = new Set<GrantedLease>();
      const counts = { old: 0, offer: 0, index, offerIndex: -1 };
      entry = { host: from.host, from, report, reportedAt: now, dropAt, leases, ...counts };
      this.#byHost.set(from.host, entry);
      this.#list.push(entry);
    }
    entry.from = from;
    entry.report = report;
    entry.reportedAt = now;
    entry.dropAt = dropAt;
    entry.old = 0;
    for (const lease of entry.leases) if (lease.grantedAt < now) entry.old += 1;
    this.#enterPool(entry);
    return true;
  }

  remove(host: string): RosterEntry | undefined {
    const entry = this.#byHost.get(host);
    if (!entry) return undefined;
    this.#leavePool(entry);
    this.#byHost.delete(host);
    removeAt(this.#list, entry.index, (moved, index) => {
      moved.index = index;
    });
    return entry;
  }

  /** A slot of this host is promised. */
  attach(entry: RosterEntry, lease: GrantedLease): void {
    entry.leases.add(lease);
    if (lease.grantedAt < entry.reportedAt) entry.old += 1;
    this.#update(entry);
  }

  detach(lease: GrantedLease): void {
    const entry = this.#byHost.get(lease.host);
    if (!entry?.leases.delete(lease)) return;
    if (lease.grantedAt < entry.reportedAt) entry.old -= 1;
    this.#update(entry);
  }

  #enterPool(entry: RosterEntry): void {
    const pool = this.#pools.get(entry.report.compat) ?? { hosts: 0, offering: [] };
    this.#pools.set(entry.report.compat, pool);
    pool.hosts += 1;
    this.#update(entry);
  }

  #leavePool(entry: RosterEntry): void {
    const pool = this.#pools.get(entry.report.compat);
    if (!pool) return;
    this.#offer(entry, 0, pool);
    pool.hosts -= 1;
    if (pool.hosts === 0) this.#pools.delete(entry.report.compat);
  }

  #update(entry: RosterEntry): void {
    const pool = this.#pools.get(entry.report.compat);
    if (pool) this.#offer(entry, offerable(entry), pool);
  }

  #offer(entry: RosterEntry, offer: number, { offering }: Pool): void {
    this.#free += Math.max(0, offer) - Math.max(0, entry.offer);
    entry.offer = offer;
    if (offer > 0 && entry.offerIndex < 0) entry.offerIndex = offering.push(entry) - 1;
    else if (offer <= 0 && entry.offerIndex >= 0) {
      removeAt(offering, entry.offerIndex, (moved, index) => {
        moved.offerIndex = index;
      });
      entry.offerIndex = -1;
    }
  }
}

/** Takes an entry out of a list; the last one takes its place. */
function removeAt(
  list: RosterEntry[],
  index: number,
  onMoved: (moved: RosterEntry, index: number) => void,
): void {
  const last = list.pop();
  if (!last || index >= list.length) return;
  list[index] = last;
  onMoved(last, index);
}
