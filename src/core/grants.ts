/** The leases that a leader granted or took over, by id, by home, and in the order in which they end. */
import type { Wanted } from "./kinds/need.js";

export interface GrantedLease {
  readonly id: string;
  readonly host: string;
  /** Machine that asked. */
  readonly home: string;
  /** When the slot was promised; -Infinity for a lease taken over from an earlier leader, which is older than any report. */
  readonly grantedAt: number;
  /** What for; not known of a lease taken over. */
  readonly wanted?: Wanted;
  expiresAt: number;
}

const none: ReadonlySet<GrantedLease> = new Set();

export class Grants {
  /** All live equally long, so those that end first are in front. */
  readonly #byId = new Map<string, GrantedLease>();
  readonly #byHome = new Map<string, Set<GrantedLease>>();

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): GrantedLease | undefined {
    return this.#byId.get(id);
  }

  ofHome(home: string): ReadonlySet<GrantedLease> {
    return this.#byHome.get(home) ?? none;
  }

  add(lease: GrantedLease): void {
    this.#byId.set(lease.id, lease);
    const mine = this.#byHome.get(lease.home) ?? new Set();
    this.#byHome.set(lease.home, mine.add(lease));
  }

  renew(lease: GrantedLease, expiresAt: number): void {
    lease.expiresAt = expiresAt;
    this.#byId.delete(lease.id);
    this.#byId.set(lease.id, lease);
  }

  remove(lease: GrantedLease): void {
    this.#byId.delete(lease.id);
    const mine = this.#byHome.get(lease.home);
    mine?.delete(lease);
    if (mine?.size === 0) this.#byHome.delete(lease.home);
  }

  /** Leases whose time has come; each may be removed as it is handed out. */
  *expired(now: number): Generator<GrantedLease> {
    for (const lease of this.#byId.values()) {
      if (lease.expiresAt > now) return;
      yield lease;
    }
  }
}
