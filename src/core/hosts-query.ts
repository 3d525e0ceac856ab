/** `pants hosts`: asks the leader for its table, which comes in several messages, and answers with what came. */
import type { Client, Effect, Random, Send } from "./events.js";
import type { Row, Rows, Sender } from "./messages.js";
import type { Tables, Tuning } from "./tuning.js";

interface Query {
  readonly client: Client;
  readonly id: number;
  readonly rows: Map<string, Row>;
  leader: string;
  total: number;
  retryAt: number;
  readonly until: number;
}

const leaderGroup = { group: "leader" } as const;

export class HostsQueries {
  readonly #queries = new Map<number, Query>();
  #next: number;

  constructor(
    private readonly tuning: Tuning,
    random: Random,
    private readonly send: Send,
    private readonly emit: (effect: Effect) => void,
    private readonly whyLeftOut: (host: string, now: number) => string,
  ) {
    this.#next = Math.floor(random() * 0xffff_ffff);
  }

  tables(): Tables {
    return { "host queries": [this.#queries.size, this.tuning.cacheMax] };
  }

  wakeAt(): number {
    let at = Number.POSITIVE_INFINITY;
    for (const query of this.#queries.values()) at = Math.min(at, query.retryAt, query.until);
    return at;
  }

  ask(client: Client, id: number, now: number): void {
    if (this.#queries.size >= this.tuning.cacheMax) {
      this.emit({ kind: "hosts", client, id, leader: "", rows: [] });
      return;
    }
    this.#next = (this.#next + 1) >>> 0;
    const retryAt = now + this.tuning.queryRetryMs;
    const until = now + this.tuning.queryMs;
    this.#queries.set(this.#next, {
      client,
      id,
      rows: new Map(),
      leader: "",
      total: Number.NaN,
      retryAt,
      until,
    });
    this.send(leaderGroup, { type: "query", query: this.#next });
  }

  onRows(from: Sender, message: Rows, now: number): void {
    const query = this.#queries.get(message.query);
    if (!query) return;
    query.leader = from.host;
    query.total = message.total;
    query.retryAt = Number.POSITIVE_INFINITY;
    for (const row of message.rows) {
      if (query.rows.size >= this.tuning.rowsMax) break;
      // A leader does not know its own address: it is where its rows come from.
      query.rows.set(row.host, row.address === "" ? { ...row, address: from.address } : row);
    }
    if (query.rows.size >= query.total) this.#finish(message.query, query, now);
  }

  tick(now: number): void {
    for (const [number, query] of this.#queries) {
      if (now >= query.until) this.#finish(number, query, now);
      else if (now >= query.retryAt) {
        query.retryAt = Number.POSITIVE_INFINITY;
        this.send(leaderGroup, { type: "query", query: number });
      }
    }
  }

  forget(client: Client): void {
    for (const [number, query] of this.#queries) if (query.client === client) this.#queries.delete(number);
  }

  #finish(number: number, query: Query, now: number): void {
    this.#queries.delete(number);
    const { client, id, leader } = query;
    const rows = [...query.rows.values()].map((row) => ({ ...row, leftOut: this.whyLeftOut(row.host, now) }));
    this.emit({ kind: "hosts", client, id, leader, rows });
  }
}
