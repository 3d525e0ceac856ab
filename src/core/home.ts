/** This host as one that asks: requests of its clients under way, and the leases they hold. */
import type { Client, Effect, Random, Send } from "./events.js";
import { HostsQueries } from "./hosts-query.js";
import { anyHost, type Wanted } from "./kinds/need.js";
import { LeftOut } from "./left-out.js";
import type { Deny, Grant, LeaseRef, Leases, Request, Rows, Sender } from "./messages.js";
import { Refusals } from "./refusals.js";
import { perMessageMax, preferMax, type Tables, type Tuning } from "./tuning.js";

interface Pending {
  readonly client: Client;
  /** The client's own number. */
  readonly id: number;
  readonly message: Request;
  readonly question: string;
  readonly askedAt: number;
  /** How often it was sent. */
  sent: number;
}

/** What a client asks for. */
export interface Asked {
  readonly count: number;
  readonly compat: string;
  readonly exclude: readonly string[];
  readonly wanted?: Wanted | undefined;
}

interface Held {
  readonly ref: LeaseRef;
  readonly client: Client;
  /** When the leader forgets it, unless it has renewed it meanwhile. */
  expiresAt: number;
}

const leaderGroup = { group: "leader" } as const;

export class Home {
  readonly #pending = new Map<number, Pending>();
  readonly #held = new Map<string, Held>();
  readonly #refusals: Refusals;
  readonly #leftOut: LeftOut;
  readonly #queries: HostsQueries;
  #nextRequest: number;
  #renewAt = Number.POSITIVE_INFINITY;

  constructor(
    private readonly host: string,
    private readonly tuning: Tuning,
    random: Random,
    private readonly send: Send,
    private readonly emit: (effect: Effect) => void,
  ) {
    this.#nextRequest = Math.floor(random() * 0xffff_ffff);
    this.#refusals = new Refusals(tuning);
    this.#leftOut = new LeftOut(tuning);
    this.#queries = new HostsQueries(tuning, random, send, emit, (host, now) => this.#leftOut.why(host, now));
  }

  get leasesHeld(): number {
    return this.#held.size;
  }

  /** Sizes of the tables, and their bounds. */
  tables(): Tables {
    const { pendingMax, heldMax } = this.tuning;
    return {
      "requests under way": [this.#pending.size, pendingMax],
      "leases held": [this.#held.size, heldMax],
      ...this.#refusals.tables(),
      ...this.#leftOut.tables(),
      ...this.#queries.tables(),
    };
  }

  /** When asking is worth it again, ms; 0 = now. Clients with leases or with a request under way may always ask. */
  worthAskingAt(now: number): number {
    return this.#held.size > 0 || this.#pending.size > 0 ? 0 : this.#refusals.worthAskingAt(now);
  }

  wakeAt(): number {
    let at = Math.min(this.#renewAt, this.#queries.wakeAt());
    for (const pending of this.#pending.values()) at = Math.min(at, this.#dueAt(pending));
    return at;
  }

  /** A leader was heard: asking is worth it again. */
  proven(): void {
    this.#refusals.answered();
  }

  request(client: Client, id: number, asked: Asked, now: number): void {
    const { count, compat, wanted = anyHost } = asked;
    const exclude = [...new Set([...asked.exclude, ...this.#leftOut.of(client, now)])]
      .slice(0, perMessageMax)
      .sort();
    const { io, memoryMb } = wanted;
    const prefer = wanted.prefer.slice(0, Math.min(preferMax, perMessageMax - exclude.length));
    // Whom it prefers does not change whether there is anybody.
    const question = [compat, io, memoryMb, ...exclude].join(" ");
    const standing = this.#refusals.standing(question, now);
    if (standing) this.#deny(client, id, standing.until - now, standing.why);
    else if (this.#pending.size >= this.tuning.pendingMax || this.#held.size >= this.tuning.heldMax) {
      this.#deny(client, id, this.tuning.denyMinMs, "too many requests at once on this host");
    } else {
      this.#nextRequest = (this.#nextRequest + 1) >>> 0;
      const wanted = Math.min(perMessageMax, Math.max(1, count));
      const message: Request = {
        type: "request",
        request: this.#nextRequest,
        count: wanted,
        compat,
        exclude,
        wanted: { io, memoryMb, prefer },
      };
      this.#pending.set(message.request, { client, id, message, question, askedAt: now, sent: 1 });
      this.send(leaderGroup, message);
    }
  }

  onGrant(grant: Grant, now: number): void {
    this.proven();
    const pending = this.#pending.get(grant.request);
    this.#pending.delete(grant.request);
    const fits = ({ id, host }: LeaseRef) =>
      pending !== undefined &&
      host !== this.host &&
      !pending.message.exclude.includes(host) &&
      !this.#held.has(id);
    const leases = grant.leases.filter(fits).slice(0, this.tuning.heldMax - this.#held.size);
    // Late, or granted twice by two leaders: given back, unless it is the copy of a grant that is in use.
    this.#release(grant.leases.filter(({ id }) => !leases.some((l) => l.id === id) && !this.#held.has(id)));
    if (!pending) return;
    if (leases.length === 0) {
      this.#deny(pending.client, pending.id, this.tuning.denyMinMs, "no suitable host was granted");
      return;
    }
    this.#refusals.granted(pending.question);
    for (const ref of leases)
      this.#held.set(ref.id, { ref, client: pending.client, expiresAt: now + grant.lifeMs });
    this.#renewAt = Math.min(this.#renewAt, now + this.tuning.renewMs);
    const { client, id } = pending;
    this.emit({ kind: "grant", client, id, lifeMs: grant.lifeMs, leases });
  }

  onDeny(deny: Deny, now: number): void {
    this.proven();
    const pending = this.#pending.get(deny.request);
    if (!pending) return;
    this.#pending.delete(deny.request);
    const { wanted } = pending.message;
    this.#refusals.denied(pending.question, deny, wanted.io || wanted.memoryMb > 0, now);
    this.#deny(pending.client, pending.id, deny.retryMs, deny.why);
  }

  onLeases(leases: Leases, now: number): void {
    this.proven();
    for (const id of leases.valid) {
      const held = this.#held.get(id);
      if (held) held.expiresAt = now + this.tuning.leaseMs;
    }
    this.#lose(leases.lost);
  }

  onRows(from: Sender, rows: Rows, now: number): void {
    this.proven();
    this.#queries.onRows(from, rows, now);
  }

  release(client: Client, ids: readonly string[]): void {
    const released: LeaseRef[] = [];
    for (const id of ids) {
      const held = this.#held.get(id);
      if (held?.client !== client) continue;
      this.#held.delete(id);
      released.push(held.ref);
    }
    if (released.length > 0) this.#refusals.givenBack();
    this.#release(released);
  }

  outcome(client: Client, host: string, ok: boolean, why: string, now: number): void {
    this.#leftOut.outcome(client, host, ok, why, now);
  }

  hosts(client: Client, id: number, now: number): void {
    this.#queries.ask(client, id, now);
  }

  /** A client is gone: its requests are forgotten, its leases given back. */
  disconnect(client: Client): void {
    for (const [request, pending] of this.#pending)
      if (pending.client === client) this.#pending.delete(request);
    const mine = [...this.#held.values()].filter((held) => held.client === client).map((held) => held.ref.id);
    this.release(client, mine);
    this.#queries.forget(client);
    this.#leftOut.forget(client);
  }

  /** Gives everything back; the daemon ends, or begins anew under other settings. */
  stop(): void {
    this.#release([...this.#held.values()].map((held) => held.ref));
    this.drop("pantsd is stopping");
  }

  /** This host takes part no longer: requests are denied, leases lost. */
  drop(why: string): void {
    for (const { client, id } of this.#pending.values()) this.#deny(client, id, this.tuning.denyMinMs, why);
    this.#pending.clear();
    this.#lose([...this.#held.keys()]);
    this.#renewAt = Number.POSITIVE_INFINITY;
  }

  tick(now: number): void {
    for (const [request, pending] of this.#pending) {
      if (now < this.#dueAt(pending)) continue;
      if (now >= pending.askedAt + this.tuning.giveUpMs) {
        this.#pending.delete(request);
        this.#deny(pending.client, pending.id, this.#refusals.silent(now), "no leader answers");
      } else {
        pending.sent += 1;
        this.send(leaderGroup, pending.message);
      }
    }
    if (now >= this.#renewAt) {
      this.#lose([...this.#held.values()].filter((held) => held.expiresAt <= now).map((held) => held.ref.id));
      const refs = [...this.#held.values()].map((held) => held.ref);
      for (const leases of batches(refs)) this.send(leaderGroup, { type: "renew", leases });
      this.#renewAt = refs.length > 0 ? now + this.tuning.renewMs : Number.POSITIVE_INFINITY;
    }
    this.#queries.tick(now);
  }

  /** When a request is sent again, or given up. */
  #dueAt({ askedAt, sent }: Pending): number {
    return askedAt + (this.tuning.retryMs[sent - 1] ?? this.tuning.giveUpMs);
  }

  /** Tells the clients that these leases are theirs no longer. */
  #lose(ids: readonly string[]): void {
    const lost = new Map<Client, string[]>();
    for (const id of ids) {
      const held = this.#held.get(id);
      if (!held) continue;
      this.#held.delete(id);
      lost.set(held.client, [...(lost.get(held.client) ?? []), id]);
    }
    for (const [client, mine] of lost) this.emit({ kind: "lost", client, leases: mine });
  }

  #deny(client: Client, id: number, retryMs: number, why: string): void {
    this.emit({ kind: "deny", client, id, retryMs: Math.ceil(retryMs), why });
  }

  #release(refs: readonly LeaseRef[]): void {
    for (const some of batches(refs))
      this.send(leaderGroup, { type: "release", leases: some.map(({ id }) => id) });
  }
}

function batches<T>(items: readonly T[]): T[][] {
  const result: T[][] = [];
  for (let start = 0; start < items.length; start += perMessageMax)
    result.push(items.slice(start, start + perMessageMax));
  return result;
}
