/** The core on a real network: datagrams in, effects out, everything counted. */
import type { Destination, Effect, Event } from "../core/events.js";
import { Node, type NodeOptions } from "../core/node.js";
import { monotonicMs, wallMs } from "../io/clock.js";
import { Multicast, type MulticastOptions } from "../io/multicast.js";
import type { Codec } from "../wire/datagram.js";

type Answer = Exclude<Effect, { kind: "send" | "groups" }>;

export interface ClusterOptions {
  readonly node: NodeOptions;
  readonly codec: Codec;
  readonly network: Omit<MulticastOptions, "onDatagram" | "onSendError">;
  /** What concerns this host's clients, or its log. */
  readonly onEffect: (effect: Answer) => void;
  /** Something happened to the node: its wake time may have changed. */
  readonly onStep: () => void;
}

export class Cluster {
  readonly node: Node;
  readonly counters: Record<string, number> = {};
  readonly #network: Multicast;

  constructor(private readonly options: ClusterOptions) {
    this.node = new Node(options.node);
    this.#network = new Multicast({
      ...options.network,
      onDatagram: (data, from) => this.#receive(data, from),
      onSendError: () => this.#count("send failed"),
    });
  }

  /** Own address; empty while there is no network. */
  get address(): string {
    return this.#network.address;
  }

  start(): Promise<void> {
    return this.#network.start();
  }

  /** Says goodbye and closes. */
  async stop(): Promise<void> {
    this.step({ kind: "stop" });
    await this.#network.finish();
  }

  step(event: Event): void {
    this.node.step(event, monotonicMs());
    this.#perform();
  }

  tick(nowMs: number): void {
    if (nowMs < this.node.wakeAt()) return;
    this.node.tick(nowMs);
    this.#perform();
  }

  #receive(data: Buffer, address: string): void {
    const opened = this.options.codec.open(data, wallMs());
    if (typeof opened === "string") {
      this.#count(`rejected ${opened}`);
      return;
    }
    const { host, boot, message } = opened;
    this.#count(`received ${message.type}`);
    this.step({ kind: "datagram", from: { host, boot, address }, message });
  }

  #perform(): void {
    for (const effect of this.node.ready()) {
      if (effect.kind === "send") this.#send(effect.to, effect.message);
      else if (effect.kind === "groups") this.#network.join(effect);
      else this.options.onEffect(effect);
    }
    this.options.onStep();
  }

  #send(to: Destination, message: Parameters<Codec["seal"]>[0]): void {
    this.#count(`sent ${message.type}`);
    this.#network.send(to, this.options.codec.seal(message, wallMs()));
  }

  #count(what: string): void {
    this.counters[what] = (this.counters[what] ?? 0) + 1;
  }
}
