/**
 * A simulated host's share of the protocol: the production endpoint with its bytes, or, where ten thousand hosts are
 * simulated and nothing is forged, the production core alone with messages as objects.
 */
import { createHash } from "node:crypto";
import type { Ballots, Destination, Effect, Event, Random } from "../../src/core/events.js";
import type { Address, Message, Sender } from "../../src/core/messages.js";
import { Node } from "../../src/core/node.js";
import type { Tuning } from "../../src/core/tuning.js";
import { Codec, hash64, type Identity } from "../../src/wire/datagram.js";
import { Endpoint } from "../../src/wire/endpoint.js";
import type { Datagram } from "../../src/wire/envelope.js";
import { Keyring } from "../../src/wire/keyring.js";

/** What travels: sealed bytes, or a message with its sender. */
export type Payload = Buffer | { readonly sender: Omit<Sender, "address">; readonly message: Message };

export type Output =
  | { readonly kind: "send"; readonly to: Destination; readonly payload: Payload; readonly message: Datagram }
  | Exclude<Effect, { kind: "send" }>;

export interface Station {
  readonly node: Node;
  wakeAt(): number;
  /** Times: local monotonic ms, local wall clock ms. */
  tick(now: number, wall: number): void;
  step(event: Event, now: number, wall: number): void;
  /** False when the datagram was rejected. */
  receive(payload: Payload, from: Address, over: "group" | "unicast", now: number, wall: number): boolean;
  ready(): Output[];
}

export interface StationOptions {
  readonly host: string;
  readonly id: string;
  readonly boot: string;
  readonly compat: string;
  readonly random: Random;
  readonly tuning: Tuning;
}

/** What differs between hosts on the wire. */
export interface WireConfig {
  readonly cluster?: string;
  /** The first signs, all are accepted. */
  readonly keys?: readonly Buffer[];
  /** Version of the protocol. */
  readonly version?: number;
  /** Addresses of seeds, without its own. */
  readonly seeds?: readonly Address[];
}

const defaultKeys = [Buffer.alloc(32, 1)];

/** The endpoint as the daemon runs it. */
export class ByteStation implements Station {
  readonly endpoint: Endpoint;
  readonly node: Node;
  readonly codec: Codec;

  constructor(options: StationOptions, config: WireConfig, now: number, wall: number) {
    const { host, id, boot, compat, random, tuning } = options;
    const { cluster = "sim", keys = defaultKeys, version, seeds = [] } = config;
    const identity: Identity = { host, id, boot };
    this.codec = new Codec(cluster, identity, new Keyring(keys), version === undefined ? {} : { version });
    this.endpoint = new Endpoint({ identity, node: { compat, random, tuning }, codec: this.codec });
    this.node = this.endpoint.node;
    if (seeds.length > 0) this.endpoint.useSeeds(seeds, now, wall);
  }

  wakeAt(): number {
    return this.endpoint.wakeAt();
  }

  tick(now: number, wall: number): void {
    this.endpoint.tick(now, wall);
  }

  step(event: Event, now: number, wall: number): void {
    this.endpoint.step(event, now, wall);
  }

  receive(payload: Payload, from: Address, over: "group" | "unicast", now: number, wall: number): boolean {
    return Buffer.isBuffer(payload) && this.endpoint.receive({ data: payload, from, over }, now, wall);
  }

  ready(): Output[] {
    return this.endpoint.ready().map((output) => {
      if (output.kind !== "datagram") return output;
      const { to, data, message } = output;
      return { kind: "send", to, payload: data, message };
    });
  }
}

/** Ballots without a key: a hash does where nobody cheats. */
export function plainBallots(id: string): Ballots {
  const of = (who: string, epoch: number) =>
    createHash("sha256").update(`${who} ${epoch}`).digest().readUInt32LE(0);
  return { own: (epoch) => of(id, epoch), valid: (who, epoch, ballot) => of(who, epoch) === ballot };
}

/** The core alone. */
export class ObjectStation implements Station {
  readonly node: Node;
  readonly #sender: Omit<Sender, "address">;

  constructor(options: StationOptions) {
    const { host, id, boot } = options;
    this.#sender = { host, id, boot };
    this.node = new Node({ ...options, ballots: plainBallots(id) });
  }

  wakeAt(): number {
    return this.node.wakeAt();
  }

  tick(now: number): void {
    this.node.tick(now);
  }

  step(event: Event, now: number): void {
    this.node.step(event, now);
  }

  receive(payload: Payload, from: Address, _over: "group" | "unicast", now: number): boolean {
    if (Buffer.isBuffer(payload)) return false;
    const { sender, message } = payload;
    this.node.step({ kind: "datagram", from: { ...sender, address: from }, message }, now);
    return true;
  }

  ready(): Output[] {
    return this.node.ready().map((effect) => {
      if (effect.kind !== "send") return effect;
      const { to, message } = effect;
      return { kind: "send", to, payload: { sender: this.#sender, message }, message };
    });
  }
}

/** Id of a simulated machine. */
export const machineId = (name: string): string => hash64(`simulated ${name}`);
