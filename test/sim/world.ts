/**
 * A cluster under a virtual clock: the production core (or endpoint), a network that loses, delays, doubles and parts,
 * hosts with clocks of their own. One seed replays a run.
 */
import type { Destination, Random } from "../../src/core/events.js";
import { anyHost, type Wanted } from "../../src/core/kinds/need.js";
import { defaultTuning, type Tuning } from "../../src/core/tuning.js";
import type { Datagram } from "../../src/wire/envelope.js";
import { describe, describeAnswer } from "./describe.js";
import { Agenda } from "./heap.js";
import { SimHost, type Transit } from "./host.js";
import { randomFrom } from "./random.js";
import {
  ByteStation,
  machineId,
  ObjectStation,
  type Output,
  type Payload,
  type Station,
  type WireConfig,
} from "./station.js";

export interface WorldOptions {
  readonly seed: number;
  readonly hosts: readonly string[];
  /** Slots of each host. */
  readonly slots?: number;
  /** Probability that a datagram is lost. */
  readonly loss?: number;
  readonly compat?: string;
  readonly tuning?: Tuning;
  /** `bytes`: sealed datagrams through the production codec. */
  readonly wire?: "objects" | "bytes";
  /** What a host is configured with when it starts (`bytes`), by its address. */
  readonly configure?: (address: string) => WireConfig;
}

/** Most datagrams that wait for a host that is paused or slow: its socket's buffer. */
const inboxMax = 2000;
/** Events of a millisecond: ten thousand hosts may hear one datagram a few times. */
const eventsMax = 200_000;
/** Lines of a transcript that are kept, the last ones. */
const linesMax = 20_000;
export class World {
  now = 0;
  /** By address. */
  readonly hosts = new Map<string, SimHost>();
  readonly random: Random;
  readonly lines: string[] = [];
  /** Whether a datagram may pass. */
  connected: (from: string, to: string, over: "group" | "unicast") => boolean = () => true;
  loss: number;
  /** Probability that a datagram arrives twice. */
  duplicate = 0;
  /** Time on the way, ms. */
  delayMs: () => number = () => 0.2 + this.random();
  /** Sees, and may replace or add to, what is under way. Returns what is delivered. */
  meddle: ((transit: Transit) => readonly Transit[]) | null = null;
  /** Told of every output of a host, before it is carried out, with the datagram that it follows from. */
  watch: ((host: SimHost, output: Output, cause: Transit | null) => void) | null = null;
  /** Wraps what a host does with a datagram: `receive` returns false when that was rejected. */
  onReceive: ((host: SimHost, transit: Transit, receive: () => boolean) => void) | null = null;
  /** Told when a host has carried everything out. */
  afterStep: ((host: SimHost) => void) | null = null;
  /** Lines are kept for a transcript. */
  tracing = true;
  #cause: Transit | null = null;
  /** Events within this millisecond. */
  #events = 0;
  #countedMs = 0;
  readonly #agenda = new Agenda();
  readonly #members = { free: new Set<SimHost>(), leader: new Set<SimHost>() };

  constructor(readonly options: WorldOptions) {
    this.random = randomFrom(options.seed);
    this.loss = options.loss ?? 0;
    for (const name of options.hosts) this.add(name);
  }

  /** A host switched on. */
  add(name: string, id = machineId(name), address = name, slots = this.options.slots ?? 2): SimHost {
    const host = new SimHost(name, id, slots, address);
    this.hosts.set(address, host);
    this.#boot(host, 1);
    return host;
  }

  host(address: string): SimHost {
    const host = this.hosts.get(address);
    if (!host) throw new Error(`no host ${address}`);
    return host;
  }

  leaders(): SimHost[] {
    return [...this.hosts.values()].filter((host) => host.alive && host.node.role === "leader");
  }

  /** Tells a host its load: busy, or `taken` slots (of which `guests` for others). */
  load(name: string, busy: boolean, taken = 0, guests = 0, cpuPercent = 0): void {
    const host = this.host(name);
    host.load = { busy, free: host.slots - taken, total: host.slots, guests, cpuPercent };
    this.step(host, { kind: "load", load: host.load });
  }

  request(
    name: string,
    id: number,
    count = 1,
    exclude: readonly string[] = [],
    client = 1,
    wanted: Wanted = anyHost,
  ): void {
    const compat = this.options.compat ?? "any";
    this.step(this.host(name), { kind: "request", client, id, count, compat, exclude, wanted });
  }

  release(name: string, ids: readonly string[], client = 1): void {
    const host = this.host(name);
    for (const id of ids) host.held.delete(id);
    this.step(host, { kind: "release", client, leases: ids });
  }

  outcome(name: string, of: string, ok: boolean, why: string, client = 1): void {
    this.step(this.host(name), { kind: "outcome", client, host: of, ok, why });
  }

  queryHosts(name: string): void {
    this.step(this.host(name), { kind: "hosts", client: 1, id: 1 });
  }

  /** Hands an event to a host, unless it is down; a paused one finds it when it goes on. */
  step(host: SimHost, event: Parameters<Station["step"]>[0]): void {
    if (!host.alive) return;
    if (host.paused) {
      // What its own clients say waits in sockets of theirs, however many datagrams have come.
      host.inbox.push(() => this.step(host, event));
      return;
    }
    host.station.step(event, host.monotonic(this.now), host.wall(this.now));
    this.#perform(host);
  }

  crash(name: string): void {
    const host = this.host(name);
    host.alive = false;
    host.held.clear();
    host.inbox.length = 0;
    this.#join(host, { free: false, leader: false });
  }

  /** Switches a crashed host on again; with its old boot id when asked to, as a restored snapshot has. */
  restart(name: string, sameBoot = false): void {
    const host = this.host(name);
    this.#boot(host, sameBoot ? host.boot : host.boot + 1);
  }

  stop(name: string): void {
    this.step(this.host(name), { kind: "stop" });
    this.crash(name);
  }

  /** Stops a host's program; what arrives waits in its socket. */
  pause(name: string): void {
    this.host(name).paused = true;
  }

  resume(name: string): void {
    const host = this.host(name);
    host.paused = false;
    host.resumedAt = host.monotonic(this.now);
    // Overdue timers and waiting datagrams are seen in either order.
    if (this.random() < 0.5) this.#tick(host);
    for (const read of host.inbox.splice(0)) read();
    this.#tick(host);
    this.#arm(host);
  }

  /** Lets time pass. */
  run(ms: number): void {
    const end = this.now + ms;
    while (this.#agenda.nextAt <= end) {
      const entry = this.#agenda.take();
      if (!entry) break;
      this.now = Math.max(this.now, entry.at);
      this.#count();
      entry.run();
    }
    this.now = end;
  }

  /** A run that does not get on is a defect, and must end. */
  #count(): void {
    const ms = Math.floor(this.now);
    if (ms !== this.#countedMs) this.#events = 0;
    this.#countedMs = ms;
    if (++this.#events > eventsMax) throw new Error(`more than ${eventsMax} events within a millisecond`);
  }

  /** Lets time pass until a condition holds; returns ms, or Infinity when it did not within the limit. */
  runUntil(condition: () => boolean, limitMs: number, stepMs = 5): number {
    const start = this.now;
    while (!condition()) {
      if (this.now - start >= limitMs) return Number.POSITIVE_INFINITY;
      this.run(stepMs);
    }
    return this.now - start;
  }

  at(delayMs: number, run: () => void): void {
    this.#agenda.add(this.now + delayMs, run);
  }

  /** Puts something on the wire, as if `from` had sent it. */
  transmit(from: SimHost, to: Destination, payload: Payload, message: Datagram): void {
    const sent = { host: from, role: from.node.role, message, wall: from.wall(this.now), cause: this.#cause };
    const over = "group" in to ? "group" : "unicast";
    const targets = "group" in to ? this.#candidates(to.group) : this.#addressed(to.address);
    for (const host of targets) {
      if (host === from) continue;
      const transit: Transit = { from: from.address, to: host.address, over, payload, sent };
      const passed = this.meddle ? this.meddle(transit) : [transit];
      for (const one of passed) {
        this.#carry(one, to);
        if (this.duplicate > 0 && this.random() < this.duplicate) this.#carry(one, to);
      }
    }
  }

  /** Puts a datagram that no host sends now on its way to one host. */
  inject(transit: Transit, to: Destination): void {
    this.#carry(transit, to);
  }

  log(name: string, text: string): void {
    if (!this.tracing) return;
    if (this.lines.length >= linesMax) this.lines.splice(0, linesMax / 2);
    this.lines.push(`${(this.now / 1000).toFixed(2)} ${name}: ${text}`);
  }

  /** The transcript so far, without the lines that match; forgets it. */
  transcript(without: RegExp = /^$/): string {
    const text = this.lines.filter((line) => !without.test(line)).join("\n");
    this.lines.length = 0;
    return text;
  }

  /** Whoever may be a member by the time that a datagram arrives: hosts join and leave meanwhile. */
  #candidates(group: "free" | "leader"): Iterable<SimHost> {
    return group === "leader" && this.hosts.size > 100 ? [...this.#members.leader] : this.hosts.values();
  }

  #addressed(address: string): SimHost[] {
    const host = this.hosts.get(address);
    return host ? [host] : [];
  }

  #carry(transit: Transit, to: Destination): void {
    const { from, over } = transit;
    if (!this.connected(from, transit.to, over) || this.random() < this.loss) return;
    const target = this.host(transit.to);
    const arrive = (): void => {
      if (!target.alive) return;
      // A group is what the receiver is a member of when the datagram arrives, as on a real network.
      if ("group" in to && !target.groups[to.group]) return;
      if (target.lagMs > 0) {
        target.workUntil = Math.max(target.workUntil, this.now) + target.lagMs;
        this.#agenda.add(target.workUntil, () => this.#deliver(target, to, transit));
      } else this.#deliver(target, to, transit);
    };
    this.#agenda.add(this.now + this.delayMs(), arrive);
  }

  #deliver(target: SimHost, to: Destination, transit: Transit): void {
    const read = (): void => {
      // A socket that was closed meanwhile is read no more.
      if (!target.alive || ("group" in to && !target.groups[to.group])) return;
      target.received += 1;
      if ("group" in to) target.heard[target.node.role] += 1;
      if (this.onReceive) this.onReceive(target, transit, () => this.#receive(target, transit));
      else this.#receive(target, transit);
    };
    if (!target.paused) read();
    else if (target.inbox.length < inboxMax) target.inbox.push(read);
  }

  #receive(target: SimHost, transit: Transit): boolean {
    const { payload, from, over } = transit;
    const now = target.monotonic(this.now);
    const taken = target.station.receive(payload, from, over, now, target.wall(this.now));
    this.#cause = transit;
    this.#perform(target);
    this.#cause = null;
    return taken;
  }

  #boot(host: SimHost, boot: number): void {
    const { wire = "objects", compat = "any", tuning = defaultTuning, configure } = this.options;
    const random = randomFrom(Math.floor(this.random() * 0xffff_ffff));
    const id = machineId(`${host.id} boot ${boot}`);
    const common = { host: host.name, id: host.id, boot: id, compat, random, tuning };
    host.boot = boot;
    host.starts += 1;
    host.alive = true;
    host.paused = false;
    host.held = new Map();
    host.inbox.length = 0;
    host.load = { ...host.load, busy: true };
    host.wakeAt = Number.POSITIVE_INFINITY;
    host.station =
      wire === "bytes"
        ? new ByteStation(
            common,
            configure?.(host.address) ?? {},
            host.monotonic(this.now),
            host.wall(this.now),
          )
        : new ObjectStation(common);
    this.#join(host, { free: false, leader: false });
    this.#perform(host);
  }

  /** Sees to it that the host's clock wakes it in time. */
  #arm(host: SimHost): void {
    const wake = host.station.wakeAt();
    if (wake === Number.POSITIVE_INFINITY) return;
    const at = Math.max(this.now, host.trueTime(wake));
    if (at >= host.wakeAt) return;
    host.wakeAt = at;
    this.#agenda.add(at, () => {
      if (host.wakeAt === at) this.#wake(host);
    });
  }

  #wake(host: SimHost): void {
    host.wakeAt = Number.POSITIVE_INFINITY;
    if (!host.alive || host.paused) return;
    this.#tick(host);
    this.#arm(host);
  }

  #tick(host: SimHost): void {
    const local = host.monotonic(this.now);
    if (!host.alive || host.station.wakeAt() > local) return;
    host.station.tick(local, host.wall(this.now));
    this.#perform(host);
  }

  #perform(host: SimHost): void {
    for (const output of host.station.ready()) {
      this.watch?.(host, output, this.#cause);
      if (output.kind === "send") {
        const { to } = output;
        host.sent += 1;
        if (this.tracing)
          this.log(
            host.address,
            `${describe(output.message)} -> ${"group" in to ? `${to.group} group` : to.address}`,
          );
        this.transmit(host, to, output.payload, output.message);
      } else if (output.kind === "groups") {
        this.#join(host, output);
        const names = [output.free ? "free" : "", output.leader ? "leader" : ""].filter(Boolean);
        this.log(host.address, `groups: ${names.join(", ") || "none"}`);
      } else if (output.kind !== "role") {
        host.answers.push(output);
        if (output.kind === "grant") for (const { id, host: on } of output.leases) host.held.set(id, on);
        if (output.kind === "lost") for (const id of output.leases) host.held.delete(id);
        this.log(host.address, describeAnswer(output));
      }
    }
    this.afterStep?.(host);
    this.#arm(host);
  }

  #join(host: SimHost, groups: { free: boolean; leader: boolean }): void {
    host.groups = { free: groups.free, leader: groups.leader };
    for (const group of ["free", "leader"] as const) {
      if (groups[group]) this.#members[group].add(host);
      else this.#members[group].delete(host);
    }
  }
}
