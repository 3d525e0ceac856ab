/**
 * The control protocol of pantsd: JSON, one message a line, over `pantsd.sock`. Who speaks is known by the socket's
 * peer credentials, never by what a message says.
 */

import type { Sample } from "../core/indices.js";
import type { Wanted } from "../core/kinds/need.js";
import type { Thresholds } from "../core/policy/policy.js";

/** What a host can run, matched before it is offered: `x86_64-glibc`. */
export type Compat = string;

/** The right to one slot on a host for a while. The executor has the last word all the same. */
export interface Lease {
  /** Unique, chosen by the leader, 64 bits in hex; empty for a host asked for by name. */
  readonly id: string;
  /** Name given to PANTS_RSH. */
  readonly host: string;
  /** Life in ms from now; renewed by pantsd while held, so a client only acts on `lost`. */
  readonly lifeMs: number;
}

/** Client to pantsd. */
export type ControlRequest =
  /** Up to `count` slots on other hosts. Answered by one `grant` (1..count leases) or one `deny`. */
  | {
      t: "request";
      id: number;
      count: number;
      compat: Compat;
      exclude: string[];
      wanted?: Wanted | undefined;
    }
  /** Leases no longer needed (also implied for every lease of a client that disconnects). */
  | { t: "release"; leases: string[] }
  /**
   * How a use of a host went: one that fails or refuses this client three times in 30 s is left out of its grants for
   * 30 s. That it was full ("full", "busy" or "every slot ..." begins `why`) is not held against it.
   */
  | { t: "outcome"; host: string; ok: boolean; why: string }
  /** From the agent: a guest job took or gave back a slot, so that the report to the leader is prompt. */
  | { t: "slots" }
  /** The configuration file has changed: read it now. Who may change it is the file system's business. */
  | { t: "reload"; id: number }
  | { t: "status"; id: number }
  | { t: "hosts"; id: number };

/** pantsd to client. */
export type ControlReply =
  | { t: "grant"; id: number; leases: Lease[] }
  /** `retryMs`: not worth asking again before. */
  | { t: "deny"; id: number; retryMs: number; why: string }
  /** A lease ended against our will (host gone, leader gave it away). Running jobs are not touched. */
  | { t: "lost"; leases: string[] }
  | { t: "status"; id: number; status: HostStatus }
  | { t: "hosts"; id: number; leader: string; hosts: HostRow[] }
  /** Empty: the configuration as it is in the file is in force; else why the one before stays. */
  | { t: "reloaded"; id: number; problem: string }
  | { t: "error"; id: number; message: string };

/** What `pants status` shows of this host. */
export interface HostStatus {
  readonly host: string;
  readonly version: string;
  readonly pid: number;
  readonly uptimeS: number;
  readonly cluster: string;
  readonly busy: boolean;
  /** In the free group; while busy only if nothing but its jobs makes it so. */
  readonly lends: boolean;
  /** What made it busy, or ended its lending, with value and threshold, in words; else empty. */
  readonly why: string;
  readonly cpuPercent: number;
  /** `cpu`, `multi` or `adaptive`. */
  readonly policy: string;
  /** What is measured: `the whole machine`, or `control group /x: 0.5 CPUs`. */
  readonly world: string;
  /** Of the last interval, and what they are held against; null: not to be had, or not judged. */
  readonly indices: Sample;
  readonly thresholds: Thresholds;
  readonly slotsTaken: number;
  readonly slotsTotal: number;
  readonly role: "leader" | "free" | "busy" | "candidate";
  /** Name of the leader as far as this host knows; empty if unknown. */
  readonly leader: string;
  readonly epoch: number;
  readonly leasesHeld: number;
  /** How this host reaches the others, in words: `multicast, eth0 10.0.0.1`. */
  readonly network: string;
  /** Keys in force, the one that signs first. */
  readonly keys: readonly KeyUse[];
  /** What needs someone's attention, one line each: another host of this name, other versions, clocks apart. */
  readonly warnings: readonly string[];
  /** Datagrams by kind, and every kind of rejection. */
  readonly counters: Record<string, number>;
}

/** A key of the cluster as it is in use. */
export interface KeyUse {
  /** Says which key, and nothing about it: 8 hex digits. */
  readonly id: string;
  /** Other hosts heard in the last minute that last signed with it. */
  readonly hosts: number;
}

/** One row of `pants hosts`: the leader's view. */
export interface HostRow {
  readonly host: string;
  readonly address: string;
  readonly state: "free" | "full" | "left out";
  readonly slotsFree: number;
  readonly slotsTotal: number;
  readonly cpuPercent: number;
  readonly compat: Compat;
  readonly ageMs: number;
  readonly note: string;
}
