/**
 * Hosts that refuse or fail a client's jobs again and again, left out of its requests for a while with the reason
 * kept. Each client has its own list: one user's missing directory says nothing about the next user's jobs.
 */
import type { Client } from "./events.js";
import type { Tables, Tuning } from "./tuning.js";

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

  tables(): Tables {
    const most = Math.max(0, ...[...this.#byClient.values()].map((hosts) => hosts.size));
    return {
      "clients with failing hosts": [this.#byClient.size, this.tuning.clientsMax],
      "failing hosts of a client": [most, this.tuning.cacheMax],
    };
  }

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
    forgetOldest(hosts, this.tuning.cacheMax);
    this.#byClient.set(client, hosts);
    forgetOldest(this.#byClient, this.tuning.clientsMax);
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

function forgetOldest<K>(map: Map<K, unknown>, max: number): void {
  const oldest = map.size > max ? map.keys().next().value : undefined;
  if (oldest !== undefined) map.delete(oldest);
}
