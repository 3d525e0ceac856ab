/** A small cluster under a virtual clock: the production core, a network that loses and delays, one seed a run. */
import type { Destination, Effect, LocalLoad, Role } from "../../src/core/events.js";
import type { Message } from "../../src/core/messages.js";
import { Node } from "../../src/core/node.js";

/** mulberry32: small, good enough, and the same everywhere. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

export interface SimHost {
  readonly name: string;
  node: Node;
  boot: number;
  alive: boolean;
  groups: { free: boolean; leader: boolean };
  load: LocalLoad;
  /** Datagrams that arrived through a group, by the role at that moment. */
  heard: Record<Role, number>;
  /** Leases its clients hold: id to host. */
  held: Map<string, string>;
  answers: Extract<Effect, { kind: "grant" | "deny" | "lost" | "hosts" }>[];
}

export interface SimOptions {
  readonly seed: number;
  readonly hosts: readonly string[];
  readonly slots?: number;
  /** Probability that a datagram is lost. */
  readonly loss?: number;
  readonly compat?: string;
}

export class Sim {
  now = 0;
  readonly hosts = new Map<string, SimHost>();
  readonly random: () => number;
  readonly lines: string[] = [];
  /** Whether a datagram may pass. */
  connected: (from: string, to: string) => boolean = () => true;
  loss: number;
  readonly #queue: { at: number; order: number; run: () => void }[] = [];
  #order = 0;

  constructor(private readonly options: SimOptions) {
    this.random = randomFrom(options.seed);
    this.loss = options.loss ?? 0;
    for (const name of options.hosts) this.#boot(name, 1);
  }

  host(name: string): SimHost {
    const host = this.hosts.get(name);
    if (!host) throw new Error(`no host ${name}`);
    return host;
  }

  leaders(): SimHost[] {
    return [...this.hosts.values()].filter((host) => host.alive && host.node.role === "leader");
  }

  /** Tells a host its load: busy, or `taken` slots (of which `guests` for others). */
  load(name: string, busy: boolean, taken = 0, guests = 0, cpuPercent = 0): void {
    const host = this.host(name);
    const total = this.options.slots ?? 2;
    host.load = { busy, free: total - taken, total, guests, cpuPercent };
    host.node.step({ kind: "load", load: host.load }, this.now);
    this.#perform(host);
  }

  request(name: string, id: number, count = 1, exclude: string[] = [], client = 1): void {
    const host = this.host(name);
    const compat = this.options.compat ?? "any";
    host.node.step({ kind: "request", client, id, count, compat, exclude }, this.now);
    this.#perform(host);
  }

  release(name: string, ids: readonly string[], client = 1): void {
    const host = this.host(name);
    for (const id of ids) host.held.delete(id);
    host.node.step({ kind: "release", client, leases: ids }, this.now);
    this.#perform(host);
  }

  outcome(name: string, host: string, ok: boolean, why: string, client = 1): void {
    this.host(name).node.step({ kind: "outcome", client, host, ok, why }, this.now);
  }

  queryHosts(name: string): void {
    this.host(name).node.step({ kind: "hosts", client: 1, id: 1 }, this.now);
    this.#perform(this.host(name));
  }

  crash(name: string): void {
    this.host(name).alive = false;
    this.host(name).held.clear();
  }

  restart(name: string): void {
    this.#boot(name, this.host(name).boot + 1);
  }

  stop(name: string): void {
    this.host(name).node.step({ kind: "stop" }, this.now);
    this.#perform(this.host(name));
    this.crash(name);
  }

  /** Lets time pass. */
  run(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const next = this.#queue[0]?.at ?? Number.POSITIVE_INFINITY;
      let wake = Number.POSITIVE_INFINITY;
      for (const host of this.hosts.values()) if (host.alive) wake = Math.min(wake, host.node.wakeAt());
      const at = Math.max(this.now, Math.min(next, wake));
      if (at > end) break;
      this.now = at;
      if (next <= wake) this.#queue.shift()?.run();
      else for (const host of this.hosts.values()) this.#tick(host);
    }
    this.now = end;
  }

  /** Lets time pass until a condition holds; returns ms, or Infinity when it did not within the limit. */
  runUntil(condition: () => boolean, limitMs: number): number {
    const start = this.now;
    while (!condition()) {
      if (this.now - start >= limitMs) return Number.POSITIVE_INFINITY;
      this.run(5);
    }
    return this.now - start;
  }

  at(delayMs: number, run: () => void): void {
    const entry = { at: this.now + delayMs, order: this.#order++, run };
    let index = this.#queue.length;
    while (index > 0 && (this.#queue[index - 1]?.at ?? 0) > entry.at) index -= 1;
    this.#queue.splice(index, 0, entry);
  }

  #boot(name: string, boot: number): void {
    const random = randomFrom(Math.floor(this.random() * 0xffff_ffff));
    const compat = this.options.compat ?? "any";
    const node = new Node({ host: name, boot: `${name}-${boot}`, compat, random });
    const total = this.options.slots ?? 2;
    this.hosts.set(name, {
      name,
      node,
      boot,
      alive: true,
      groups: { free: false, leader: false },
      load: { busy: true, free: total, total, guests: 0, cpuPercent: 0 },
      heard: { busy: 0, free: 0, candidate: 0, leader: 0 },
      held: new Map(),
      answers: [],
    });
  }

  #tick(host: SimHost): void {
    if (!host.alive || host.node.wakeAt() > this.now) return;
    host.node.tick(this.now);
    this.#perform(host);
  }

  #perform(host: SimHost): void {
    for (const effect of host.node.ready()) {
      if (effect.kind === "send") this.#transmit(host, effect.to, effect.message);
      else if (effect.kind === "groups") {
        host.groups = { free: effect.free, leader: effect.leader };
        const names = [effect.free ? "free" : "", effect.leader ? "leader" : ""].filter(Boolean);
        this.log(host.name, `groups: ${names.join(", ") || "none"}`);
      } else if (effect.kind !== "role") {
        host.answers.push(effect);
        if (effect.kind === "grant") for (const { id, host: on } of effect.leases) host.held.set(id, on);
        if (effect.kind === "lost") for (const id of effect.leases) host.held.delete(id);
        this.log(host.name, describeAnswer(effect));
      }
    }
  }

  #transmit(from: SimHost, to: Destination, message: Message): void {
    const where = "group" in to ? `${to.group} group` : to.address;
    this.log(from.name, `${describe(message)} -> ${where}`);
    for (const host of this.hosts.values()) {
      if ("address" in to && host.name !== to.address) continue;
      if (host === from || !this.connected(from.name, host.name) || this.random() < this.loss) continue;
      const sender = { host: from.name, boot: `${from.name}-${from.boot}`, address: from.name };
      this.at(0.2 + this.random(), () => {
        // A group is what the receiver is a member of when the datagram arrives, as on a real network.
        const target = this.host(host.name);
        if (!target.alive || ("group" in to && !target.groups[to.group])) return;
        if ("group" in to) target.heard[target.node.role] += 1;
        target.node.step({ kind: "datagram", from: sender, message }, this.now);
        this.#perform(target);
      });
    }
  }

  log(name: string, text: string): void {
    if (this.lines.length < 10_000) this.lines.push(`${(this.now / 1000).toFixed(2)} ${name}: ${text}`);
  }

  /** The transcript so far, without the lines that match; forgets it. */
  transcript(without: RegExp = /^$/): string {
    const text = this.lines.filter((line) => !without.test(line)).join("\n");
    this.lines.length = 0;
    return text;
  }
}

function describe(message: Message): string {
  switch (message.type) {
    case "advert":
      return `ADVERT epoch ${message.epoch}, ${message.free} slots of ${message.hosts} hosts`;
    case "available":
      return `AVAILABLE ${message.free} of ${message.total}, ${message.guests} guests`;
    case "unavailable":
      return "UNAVAILABLE";
    case "request":
      return `REQUEST ${message.count}${message.exclude.length ? ` not ${message.exclude.join(", ")}` : ""}`;
    case "grant":
      return `GRANT ${message.leases.map(({ host }) => host).join(", ")}`;
    case "deny":
      return `DENY for ${message.retryMs} ms: ${message.why}`;
    case "renew":
      return `RENEW ${message.leases.map(({ host }) => host).join(", ")}`;
    case "leases":
      return `LEASES ${message.valid.length} valid, ${message.lost.length} lost`;
    case "release":
      return `RELEASE ${message.leases.length}`;
    case "claim":
      return `CLAIM epoch ${message.epoch}${message.resigned ? `, ${message.resigned} resigned` : ""}`;
    case "hold":
      return message.leader ? `HOLD ${message.leader} leads` : `HOLD epoch ${message.epoch} is used up`;
    case "resign":
      return `RESIGN epoch ${message.epoch}`;
    case "query":
      return "QUERY";
    case "rows":
      return `ROWS ${message.rows.map(({ host }) => host).join(", ")} of ${message.total}`;
  }
}

function describeAnswer(effect: SimHost["answers"][number]): string {
  switch (effect.kind) {
    case "grant":
      return `* client may use ${effect.leases.map(({ host }) => host).join(", ")}`;
    case "deny":
      return `* client denied for ${effect.retryMs} ms: ${effect.why}`;
    case "lost":
      return `* client lost ${effect.leases.length}`;
    case "hosts":
      return `* client sees ${effect.rows.map(({ host, free, total }) => `${host} ${free}/${total}`).join(", ")}`;
  }
}
