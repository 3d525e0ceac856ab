/**
 * Hosts that refuse or fail a client's jobs again and again, left out of its requests for a while with the reason
 * kept. Each client has its own list: one user's missing directory says nothing about the next user's jobs.
 */
import type { Client } from "./events.js";
import type { Tuning } from "./tuning.js";

interface Record {
  /** When it failed, within the window. */
  failedAt: number[];
  /** Left out until then; 0 when it is not. */
  until: number;
  why: string;
}

/** Reasons that say nothing against a host: its slots were taken a moment earlier. */
const harmless = /^(full\b|busy\b|every slot\b)/;

export class LeftOut {
  readonly #byClient = new Map<Client, Map<string, Record>>();

  constructor(private readonly tuning: Tuning) {}

  outcome(client: Client, host: string, ok: boolean, why: string, now: number): void {
    const hosts = this.#byClient.get(client) ?? new Map<string, Record>();
    if (ok) {
      hosts.delete(host);
      return;
    }
    if (harmless.test(why)) return;
    const record = hosts.get(host) ?? { failedAt: [], until: 0, why: "" };
    record.failedAt = record.failedAt.filter((at) => now - at < this.tuning.failureWindowMs);
    record.failedAt.push(now);
    record.why = why;
    if (record.failedAt.length >= this.tuning.failures) {
      record.until = now + this.tuning.leftOutMs;
      record.failedAt = [];
    }
    hosts.delete(host);
    hosts.set(host, record);
    const oldest = hosts.size > this.tuning.cacheMax ? hosts.keys().next().value : undefined;
    if (oldest !== undefined) hosts.delete(oldest);
    this.#byClient.set(client, hosts);
  }

  /** Hosts that this client is not to be offered now. */
  of(client: Client, now: number): string[] {
    const hosts = this.#byClient.get(client);
    if (!hosts) return [];
    return [...hosts].filter(([, record]) => record.until > now).map(([host]) => host);
  }

  /** Why some client leaves a host out now; empty when none does. */
  why(host: string, now: number): string {
    for (const hosts of this.#byClient.values()) {
      const record = hosts.get(host);
      if (record && record.until > now) return record.why;
    }
    return "";
  }

  forget(client: Client): void {
    this.#byClient.delete(client);
  }
}
