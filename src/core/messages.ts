/**
 * What hosts say to each other. Multicast carries hints only: a forged or lost message costs efficiency, never
 * correctness (the executor's slot table and ssh have the last word).
 */

import type { Wanted } from "./kinds/need.js";

/** Where a datagram came from, as the transport names it; the core never looks inside. */
export type Address = string;

/** Who sent a datagram, as the authenticated header says. */
export interface Sender {
  readonly host: string;
  /** Which machine says that it is `host`, 64 bits in hex: tells two hosts of one name apart. */
  readonly id: string;
  /** Drawn anew at each start of pantsd, 64 bits in hex. */
  readonly boot: string;
  readonly address: Address;
}

/** Leader to free group, every advert period; to one host, when that one claims. */
export interface Advert {
  readonly type: "advert";
  readonly epoch: number;
  /** Of the candidacy that was won: settles two leaders of one epoch. */
  readonly ballot: number;
  /** VOTEs that the claim met, while it is young: the leader was heard, and hears. Later the hosts show that. */
  readonly votes: number;
  /** Hosts in the leader's table, itself among them. */
  readonly hosts: number;
  /** Slots that could be granted now. */
  readonly free: number;
  /** How often to refresh a report, and over how long to spread a first one. */
  readonly refreshMs: number;
  readonly spreadMs: number;
}

/** Free host to leader group: absolute, so that a lost one is healed by the next. */
export interface Available {
  readonly type: "available";
  /** Epoch of the leader this host follows, 0 when it knows none: a leader of another epoch introduces itself. */
  readonly epoch: number;
  /** Slots not taken; 0 when full. 0 <= free <= total. */
  readonly free: number;
  readonly total: number;
  /** Slots taken by jobs for other hosts. free + guests <= total. */
  readonly guests: number;
  readonly cpuPercent: number;
  /** Memory that jobs may still take, MiB, and how much of the time its busiest disk has work; 0 when not known. */
  readonly availableMb: number;
  readonly ioPercent: number;
  readonly compat: string;
}

/** A host that turned busy or goes away, once, to the leader group. */
export interface Unavailable {
  readonly type: "unavailable";
}

/** Any host to leader group. */
export interface Request {
  readonly type: "request";
  /** Chosen by the requester; a retry carries the same. */
  readonly request: number;
  readonly count: number;
  readonly compat: string;
  readonly exclude: readonly string[];
  /** What is known of the jobs. `exclude` and `wanted.prefer` have at most `perMessageMax` names together. */
  readonly wanted: Wanted;
}

export interface LeaseRef {
  /** 64 bits in hex. */
  readonly id: string;
  readonly host: string;
}

/** Leader to requester. */
export interface Grant {
  readonly type: "grant";
  readonly request: number;
  readonly lifeMs: number;
  readonly leases: readonly LeaseRef[];
}

/** `why` of a DENY: among the hosts that the leader knows there is none, free or full, that is not excluded. */
export const nobodySuits = "no suitable host is free";

export interface Deny {
  readonly type: "deny";
  readonly request: number;
  readonly retryMs: number;
  readonly why: string;
}

/** Home to leader group, for leases that are still wanted. */
export interface Renew {
  readonly type: "renew";
  readonly leases: readonly LeaseRef[];
}

/** Leader to home: the answer to RENEW. */
export interface Leases {
  readonly type: "leases";
  readonly valid: readonly string[];
  readonly lost: readonly string[];
}

export interface Release {
  readonly type: "release";
  readonly leases: readonly string[];
}

/** Free host to free group: I lead from this epoch on, unless someone knows better. */
export interface Claim {
  readonly type: "claim";
  readonly epoch: number;
  readonly ballot: number;
  /** Epoch of a leader that said RESIGN, so that hosts which missed it do not vouch for it; else 0. */
  readonly resigned: number;
}

/** To a candidate or a stale leader: `leader` lives; with an empty name only: epochs up to this one are used up. */
export interface Hold {
  readonly type: "hold";
  readonly epoch: number;
  readonly leader: string;
  /** Machine of that leader; zeros without one. */
  readonly id: string;
}

/** Free host to candidate: it was heard, and nobody better is known. Proves that the candidate can hear. */
export interface Vote {
  readonly type: "vote";
  readonly epoch: number;
}

/** To a host whose name another machine has: who that is. The one that is told so takes no part. */
export interface Namesake {
  readonly type: "namesake";
  /** The name that both have. */
  readonly host: string;
  /** The machine that keeps it. */
  readonly id: string;
  /** Of the other machine; empty when that is the sender. */
  readonly address: Address;
}

/** Leader to free group: a leader that becomes busy, or stops, hands over. */
export interface Resign {
  readonly type: "resign";
  readonly epoch: number;
}

/** Any host to leader group: what does the host table look like? */
export interface Query {
  readonly type: "query";
  readonly query: number;
}

export interface Row {
  readonly host: string;
  /** Empty in the leader's own row: it is where the message comes from. */
  readonly address: string;
  readonly free: number;
  readonly total: number;
  readonly cpuPercent: number;
  readonly compat: string;
  readonly ageMs: number;
}

/** Leader to the host that asked: some of `total` rows. */
export interface Rows {
  readonly type: "rows";
  readonly query: number;
  readonly total: number;
  readonly rows: readonly Row[];
}

export type Message =
  | Advert
  | Available
  | Unavailable
  | Request
  | Grant
  | Deny
  | Renew
  | Leases
  | Release
  | Claim
  | Hold
  | Vote
  | Namesake
  | Resign
  | Query
  | Rows;
