/**
 * One host of the cluster down to its bytes: the core behind the codec. Like the core it has no clock and no socket,
 * so that the daemon and the simulator run the same code.
 */
import type { Destination, Effect, Event } from "../core/events.js";
import type { Address, Message } from "../core/messages.js";
import { Node, type NodeOptions } from "../core/node.js";
import { type Codec, copyOf, type Identity, type Opened, originOf } from "./datagram.js";
import { type Datagram, type Envelope, isEnvelope, type Relay, type Relayed } from "./envelope.js";
import { Seeds } from "./seeds.js";

/** What is to be done: a sealed datagram to send, a change of groups, or something for this host's clients or log. */
export type Output =
  | {
      readonly kind: "datagram";
      readonly to: Destination;
      readonly data: Buffer;
      /** What is sealed in it, for whoever traces. */
      readonly message: Datagram;
    }
  | Exclude<Effect, { kind: "send" }>;

export interface Received {
  readonly data: Buffer;
  /** Where it came from. */
  readonly from: Address;
  /** Whether it came through a group's address or to this host's own. */
  readonly over: "group" | "unicast";
}

export interface EndpointOptions {
  readonly identity: Identity;
  readonly node: Omit<NodeOptions, "host" | "id" | "boot" | "ballots">;
  readonly codec: Codec;
}

export class Endpoint {
  readonly node: Node;
  readonly seeds: Seeds;
  /** Datagrams by kind, and every kind of rejection. */
  readonly counters: Record<string, number> = {};
  readonly #codec: Codec;
  readonly #id: string;
  #outputs: Output[] = [];
  #wallMs = 0;

  constructor({ identity, node, codec }: EndpointOptions) {
    this.#codec = codec;
    this.#id = identity.id;
    this.seeds = new Seeds(identity.boot, (to, message) => this.#send(to, message));
    this.node = new Node({ ...node, ...identity, ballots: codec.ballots });
  }

  /** When `tick` is due, ms; Infinity when nothing is. */
  wakeAt(): number {
    return Math.min(this.node.wakeAt(), this.seeds.wakeAt());
  }

  /** @param nowMs monotonic @param wallMs wall clock, ms since 1970 */
  tick(nowMs: number, wallMs: number): void {
    this.#wallMs = wallMs;
    this.seeds.tick(nowMs);
    this.node.tick(nowMs);
    this.#perform(nowMs);
  }

  step(event: Event, nowMs: number, wallMs: number): void {
    this.#wallMs = wallMs;
    this.node.step(event, nowMs);
    this.#perform(nowMs);
  }

  /** The addresses of the seeds from now on; this host's own is not among them. */
  useSeeds(addresses: readonly Address[], nowMs: number, wallMs: number): void {
    this.#wallMs = wallMs;
    this.seeds.use(addresses, nowMs);
  }

  /** Takes a datagram; false when it was rejected, and nothing but counters can have changed. */
  receive({ data, from, over }: Received, nowMs: number, wallMs: number): boolean {
    this.#wallMs = wallMs;
    const opened = this.#codec.open(data, wallMs, nowMs, from);
    if (typeof opened === "string") {
      const copy =
        opened === "replay" &&
        over === "group" &&
        this.seeds.againViaGroup(originOf(data), copyOf(data), nowMs);
      this.count(copy ? "received twice" : `rejected ${opened}`);
      return copy;
    }
    if (over === "group") this.seeds.viaGroup(opened.id, nowMs);
    this.count(`received ${opened.message.type}`);
    if (isEnvelope(opened.message)) {
      if (over === "unicast") this.#unwrap(opened, opened.message, from, nowMs);
    } else this.#take(opened, opened.message, from, nowMs);
    return true;
  }

  /** What is to be done since the last call, in order. */
  ready(): Output[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  count(what: string): void {
    this.counters[what] = (this.counters[what] ?? 0) + 1;
  }

  #unwrap({ boot, sequence }: Opened, message: Envelope, from: Address, nowMs: number): void {
    switch (message.type) {
      case "join":
        this.seeds.onJoin({ address: from, boot, sequence }, message, nowMs);
        return;
      case "joined":
        this.seeds.onJoined({ address: from, boot }, message, nowMs);
        return;
      case "relay":
        this.seeds.onRelay(from, message.group, message.data, nowMs);
        this.#receiveInner(message, from, nowMs);
        return;
      case "relayed":
        this.#receiveInner(message, message.origin || from, nowMs);
    }
  }

  /** A datagram of a group by way of a seed: as if it came through the group, so only for its members. */
  #receiveInner({ group, data: bytes }: Relay | Relayed, from: Address, nowMs: number): void {
    if (!this.seeds.isMember(group)) return;
    const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const opened = this.#codec.open(data, this.#wallMs, nowMs, from);
    if (typeof opened === "string" && opened !== "replay") {
      this.count(`rejected ${opened}`);
      return;
    }
    const origin = originOf(data);
    if (origin === this.#id) return;
    this.seeds.viaSeed(origin, copyOf(data), opened !== "replay", nowMs);
    if (opened === "replay") this.count("received twice");
    else if (isEnvelope(opened.message)) this.count("rejected bounds");
    else {
      this.count(`received ${opened.message.type}`);
      this.#take(opened, opened.message, from, nowMs);
    }
  }

  #take({ host, id, boot }: Opened, message: Message, address: Address, nowMs: number): void {
    const { ballotsRejected } = this.node;
    this.node.step({ kind: "datagram", from: { host, id, boot, address }, message }, nowMs);
    if (this.node.ballotsRejected > ballotsRejected) this.count("rejected ballot");
    this.#perform(nowMs);
  }

  #perform(nowMs: number): void {
    for (const effect of this.node.ready()) {
      if (effect.kind === "send") {
        const { to, message } = effect;
        const data = this.#seal(to, message);
        if ("group" in to) this.seeds.pass(to.group, data, nowMs);
      } else {
        this.#outputs.push(effect);
        if (effect.kind === "groups") this.seeds.groups(effect, nowMs);
      }
    }
  }

  #send(to: readonly Address[], message: Envelope): void {
    const [first, ...others] = to;
    if (first === undefined) return;
    const data = this.#seal({ address: first }, message);
    for (const address of others) this.#output({ address }, data, message);
  }

  #seal(to: Destination, message: Datagram): Buffer {
    const data = this.#codec.seal(message, this.#wallMs);
    this.#output(to, data, message);
    return data;
  }

  #output(to: Destination, data: Buffer, message: Datagram): void {
    this.count(`sent ${message.type}`);
    this.#outputs.push({ kind: "datagram", to, data, message });
  }
}
