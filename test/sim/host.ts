/** A simulated host: what the world knows of it, and its clocks. */
import type { Effect, LocalLoad, Role } from "../../src/core/events.js";
import type { Datagram } from "../../src/wire/envelope.js";
import type { Payload, Station } from "./station.js";

export type Answer = Extract<Effect, { kind: "grant" | "deny" | "lost" | "hosts" }>;

/** What a host sent, with what it was at that moment. */
export interface Sent {
  readonly host: SimHost;
  readonly role: Role;
  readonly message: Datagram;
  /** Its wall clock. */
  readonly wall: number;
  /** What it answers; null when its sender spoke first. */
  readonly cause: Transit | null;
}

/** A datagram on its way: what a nemesis may change. Hosts are named by their addresses. */
export interface Transit {
  readonly from: string;
  readonly to: string;
  readonly over: "group" | "unicast";
  readonly payload: Payload;
  /** Null when nobody who holds the key sent it. */
  readonly sent: Sent | null;
  /** Put on the wire by somebody else than its sender. */
  readonly injected?: boolean;
}

/** More than what arithmetic loses: a clock that is read at the time reckoned has come so far. */
const roundingMs = 1e-6;
/** Wall clock at the start of a run. */
const wallStart = 1_800_000_000_000;

export class SimHost {
  boot = 0;
  /** How often it was started. */
  starts = 0;
  alive = true;
  paused = false;
  /** When it went on after its last pause, by its monotonic clock. */
  resumedAt = 0;
  groups = { free: false, leader: false };
  load: LocalLoad;
  /** Datagrams that arrived through a group, by the role at that moment. */
  heard: Record<Role, number> = { busy: 0, free: 0, candidate: 0, leader: 0 };
  /** Datagrams received in all, and sent. */
  received = 0;
  sent = 0;
  /** Leases its clients hold: id to host. */
  held = new Map<string, string>();
  answers: Answer[] = [];
  /** How much faster than true time its monotonic clock runs, as a factor. */
  rate = 1;
  /** Its wall clock less true time, ms. */
  wallOffset = 0;
  /** Time it takes for each datagram, ms. */
  lagMs = 0;
  station!: Station;
  readonly inbox: (() => void)[] = [];
  /** Until when it works on what has arrived. */
  workUntil = 0;
  wakeAt = Number.POSITIVE_INFINITY;
  /** True time at which its monotonic clock showed `clockAt`. */
  #since = 0;
  #clockAt = 0;

  constructor(
    readonly name: string,
    /** Which machine it is. */
    readonly id: string,
    readonly slots: number,
    /** Where datagrams reach it: its name, unless another host has the same. */
    readonly address: string,
  ) {
    this.load = { busy: true, free: slots, total: slots, guests: 0, cpuPercent: 0 };
  }

  get node() {
    return this.station.node;
  }

  /** Its monotonic clock at a true time, ms. */
  monotonic(now: number): number {
    return this.#clockAt + (now - this.#since) * this.rate;
  }

  /** Its wall clock at a true time, ms since 1970. */
  wall(now: number): number {
    return Math.round(wallStart + now + this.wallOffset);
  }

  /** True time at which its monotonic clock shows `local`, or the least bit later. */
  trueTime(local: number): number {
    if (this.#clockAt === this.#since && this.rate === 1) return local;
    return this.#since + (local - this.#clockAt) / this.rate + roundingMs;
  }

  drift(rate: number, now: number): void {
    this.#clockAt = this.monotonic(now);
    this.#since = now;
    this.rate = rate;
  }
}
