/**
 * Where multicast does not reach, a few hosts known by address (seeds) pass the groups' datagrams on. What they say to
 * do so; the messages themselves stay as they are, sealed by who sent them.
 */
import type { Address, Message } from "../core/messages.js";

export type Group = "free" | "leader";

/** The seed of a JOIN whose sender has not heard from it yet. */
export const noSeed = "0000000000000000";

/** Host to seed, every few seconds and on change: pass on to me what is sent to these groups. */
export interface Join {
  readonly type: "join";
  /** Boot of the seed that is meant, as its last JOINED had it: no other one may take this JOIN for its own. */
  readonly seed: string;
  readonly free: boolean;
  readonly leader: boolean;
  /** It is in a group, and as far as it knows multicast does not reach it. */
  readonly need: boolean;
}

/** Seed to host: the answer to JOIN, also to one that names another seed or none. */
export interface Joined {
  readonly type: "joined";
  /** Hosts that have joined at this seed, and the seed itself while it is in a group. */
  readonly members: number;
  /** How many of them multicast does not reach. */
  readonly needing: number;
}

/** Host to seed: to be passed on to a group. */
export interface Relay {
  readonly type: "relay";
  readonly group: Group;
  /** A sealed datagram. */
  readonly data: Uint8Array;
}

/** Seed to member: what `origin` sent to a group. */
export interface Relayed {
  readonly type: "relayed";
  readonly group: Group;
  /** Where the seed got it from; empty when the seed itself is the origin. */
  readonly origin: Address;
  readonly data: Uint8Array;
}

export type Envelope = Join | Joined | Relay | Relayed;

/** All that a datagram can carry. */
export type Datagram = Message | Envelope;

const envelopes: readonly string[] = ["join", "joined", "relay", "relayed"] satisfies Envelope["type"][];

export function isEnvelope(datagram: Datagram): datagram is Envelope {
  return envelopes.includes(datagram.type);
}
