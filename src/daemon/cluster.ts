/** The cluster part of pantsd under one name, key and network: the endpoint with its sockets and seeds. */
import { randomBytes } from "node:crypto";
import type { Event } from "../core/events.js";
import type { Node } from "../core/node.js";
import { familyOf } from "../io/address.js";
import { monotonicMs, wallMs } from "../io/clock.js";
import { hostCompat } from "../io/compat.js";
import type { NetworkConfig } from "../io/config-network.js";
import { isOwnAddress } from "../io/interfaces.js";
import type { Logger } from "../io/log.js";
import { machineIdText } from "../io/machine.js";
import { Multicast } from "../io/multicast.js";
import { type Resolved, SeedNames } from "../io/seed-names.js";
import { Codec, hash64 } from "../wire/datagram.js";
import { Endpoint, type Output } from "../wire/endpoint.js";
import type { Keyring } from "../wire/keyring.js";
import { networkWarnings, networkWords } from "./network-words.js";

export type Answer = Exclude<Output, { kind: "datagram" | "groups" }>;

export interface ClusterOptions {
  /** Of this host, and of the cluster. */
  readonly host: string;
  readonly name: string;
  readonly keyring: Keyring;
  readonly network: NetworkConfig;
  readonly log: Logger;
  /** What concerns this host's clients, or its log. */
  readonly onEffect: (effect: Answer) => void;
  /** Something happened in this turn of the event loop: the wake time may have changed. */
  readonly onStep: () => void;
}

export class Cluster {
  readonly host: string;
  readonly #codec: Codec;
  readonly #endpoint: Endpoint;
  readonly #network: Multicast;
  readonly #seedNames: SeedNames;
  #resolved: Resolved = { addresses: [], problems: [] };
  /** Machine of this host's name that was complained of last. */
  #namesake = "";
  #stepped = false;

  constructor(private readonly options: ClusterOptions) {
    const { host, name, keyring, network, log } = options;
    this.host = host;
    const id = hash64(`pants host ${machineIdText()} ${host}`);
    const identity = { host, id, boot: randomBytes(8).toString("hex") };
    this.#codec = new Codec(name, identity, keyring);
    const node = { compat: hostCompat(), random: Math.random };
    this.#endpoint = new Endpoint({ identity, node, codec: this.#codec });
    this.#network = new Multicast({
      interface: network.interface,
      groups: { leader: network.leader_group, free: network.free_group },
      port: network.port,
      ttl: network.ttl,
      onDatagram: (data, from, over) => {
        if (this.#endpoint.receive({ data, from, over }, monotonicMs(), wallMs())) this.#perform();
      },
      onSendError: () => this.#endpoint.count("send failed"),
      onChange: (up, what) => {
        if (up) log.info(`network: ${what}`);
        else log.warn(`no network: ${what}`);
        this.#useSeeds();
      },
    });
    this.#seedNames = new SeedNames({
      seeds: network.seeds,
      family: familyOf(network.free_group),
      port: network.port,
      answered: () => this.#endpoint.seeds.answering(monotonicMs()) > 0,
      onResolved: (resolved) => this.#onResolved(resolved),
    });
  }

  get node(): Node {
    return this.#endpoint.node;
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#endpoint.counters;
  }

  /** Own address; empty while there is no network. */
  get address(): string {
    return this.#network.address;
  }

  /** How this host reaches the others. */
  networkWords(): string {
    return networkWords(this.#network, this.#endpoint.seeds, monotonicMs());
  }

  warnings(): string[] {
    const now = monotonicMs();
    return [
      ...networkWarnings(this.#endpoint.seeds, now),
      ...this.#namesakeWarning(),
      ...this.#resolved.problems,
      ...this.#codec.notices(now),
    ];
  }

  keysHeard(): { readonly id: number; readonly hosts: number }[] {
    return this.#codec.keysHeard(monotonicMs());
  }

  useKeys(keyring: Keyring): void {
    this.#codec.useKeys(keyring);
  }

  wakeAt(): number {
    return this.#endpoint.wakeAt();
  }

  async start(): Promise<void> {
    await this.#network.start();
    this.#seedNames.start();
  }

  /** Says goodbye and closes. */
  async stop(): Promise<void> {
    this.#seedNames.close();
    this.step({ kind: "stop" });
    await this.#network.close();
  }

  step(event: Event): void {
    this.#endpoint.step(event, monotonicMs(), wallMs());
    this.#perform();
  }

  tick(nowMs: number): void {
    if (nowMs < this.#endpoint.wakeAt()) return;
    this.#endpoint.tick(nowMs, wallMs());
    this.#perform();
  }

  #perform(): void {
    for (const output of this.#endpoint.ready()) {
      if (output.kind === "datagram") this.#network.send(output.to, output.data);
      else if (output.kind === "groups") this.#network.join(output);
      else this.options.onEffect(output);
    }
    if (this.#stepped) return;
    // Many datagrams may wait in a socket: what follows from them is looked at once.
    this.#stepped = true;
    setImmediate(() => {
      this.#stepped = false;
      this.#complainOfNamesake();
      this.options.onStep();
    });
  }

  #onResolved(resolved: Resolved): void {
    for (const problem of resolved.problems)
      if (!this.#resolved.problems.includes(problem)) this.options.log.warn(problem);
    this.#resolved = resolved;
    this.#useSeeds();
  }

  /** All hosts may share one list: this one leaves itself out. */
  #useSeeds(): void {
    const { addresses } = this.#resolved;
    const others = addresses.filter((address) => !isOwnAddress(address, this.#network.origin));
    this.#endpoint.useSeeds(others, monotonicMs(), wallMs());
    this.#perform();
  }

  #namesakeWarning(): string[] {
    const { namesake } = this.node;
    if (namesake === "") return [];
    return [
      `the host at ${namesake} has the name ${this.host} too, so this one takes no part: rename one, or set [network] name`,
    ];
  }

  #complainOfNamesake(): void {
    const { namesake } = this.node;
    if (namesake !== "" && namesake !== this.#namesake)
      for (const warning of this.#namesakeWarning()) this.options.log.warn(warning);
    if (namesake !== "") this.#namesake = namesake;
  }
}
