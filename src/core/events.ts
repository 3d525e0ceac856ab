/** What goes into the core and what comes out of it. */

import type { Wanted } from "./kinds/need.js";
import type { Address, LeaseRef, Message, Row, Sender } from "./messages.js";

/** A local process connected to pantsd's control socket. */
export type Client = number;

/**
 * What a host is in the cluster. `busy`: in neither group. `free`: in the free group (also with every slot taken).
 * `candidate` and `leader`: in the leader group as well.
 */
export type Role = "busy" | "free" | "candidate" | "leader";

/** This host as its daemon sees it. 0 <= guests <= total - free. */
export interface LocalLoad {
  /** Over a load threshold: takes no work and hears nothing. */
  readonly busy: boolean;
  readonly free: number;
  readonly total: number;
  readonly guests: number;
  readonly cpuPercent: number;
  /** Memory that jobs may still take, MiB, and how much of the time its busiest disk has work; 0 or nothing: not known. */
  readonly availableMb?: number;
  readonly ioPercent?: number;
}

export type Event =
  | { readonly kind: "datagram"; readonly from: Sender; readonly message: Message }
  | { readonly kind: "load"; readonly load: LocalLoad }
  | {
      readonly kind: "request";
      readonly client: Client;
      /** The client's own number, returned with the answer. */
      readonly id: number;
      readonly count: number;
      readonly compat: string;
      readonly exclude: readonly string[];
      /** What is known of the jobs, if anything is. */
      readonly wanted?: Wanted | undefined;
    }
  | { readonly kind: "release"; readonly client: Client; readonly leases: readonly string[] }
  | {
      readonly kind: "outcome";
      readonly client: Client;
      readonly host: string;
      readonly ok: boolean;
      readonly why: string;
    }
  | { readonly kind: "hosts"; readonly client: Client; readonly id: number }
  | { readonly kind: "disconnect"; readonly client: Client }
  /** The daemon ends: say so to the others. */
  | { readonly kind: "stop" };

export type Destination = { readonly group: "leader" | "free" } | { readonly address: Address };

/** A row of the host table as a client sees it: with what this host itself holds against that one. */
export interface NotedRow extends Row {
  /** Why this host leaves it out for now; empty when it does not. */
  readonly leftOut: string;
}

export type Effect =
  | { readonly kind: "send"; readonly to: Destination; readonly message: Message }
  /** Groups to be a member of from now on. */
  | { readonly kind: "groups"; readonly free: boolean; readonly leader: boolean }
  | { readonly kind: "role"; readonly role: Role; readonly leader: string; readonly epoch: number }
  | {
      readonly kind: "grant";
      readonly client: Client;
      readonly id: number;
      readonly lifeMs: number;
      readonly leases: readonly LeaseRef[];
    }
  | {
      readonly kind: "deny";
      readonly client: Client;
      readonly id: number;
      readonly retryMs: number;
      readonly why: string;
    }
  | { readonly kind: "lost"; readonly client: Client; readonly leases: readonly string[] }
  | {
      readonly kind: "hosts";
      readonly client: Client;
      readonly id: number;
      /** Name of the leader that answered; empty when none did. */
      readonly leader: string;
      readonly rows: readonly NotedRow[];
    };

/** How the parts of the core speak: the node sends it on, or hands it to itself. */
export type Send = (to: Destination, message: Message) => void;

/** Uniform in [0, 1), given from outside so that a seed replays a run. */
export type Random = () => number;

/** Ballots that every holder of the cluster's key can check: nobody chooses its own. */
export interface Ballots {
  /** This host's ballot for an epoch, u32; the lowest wins. */
  own(epoch: number): number;
  /** Whether that machine's ballot for the epoch is this one. */
  valid(id: string, epoch: number, ballot: number): boolean;
}
