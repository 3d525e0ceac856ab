/**
 * A small cluster of production endpoints in one process, its time moved by hand: hosts in every role, and each datagram
 * that they exchanged. The same seed makes the same cluster, byte for byte, so that a twin shows what has changed.
 */
import { createHash } from "node:crypto";
import { Codec, hash64, type Identity } from "../../src/wire/datagram.js";
import { Endpoint, type Output } from "../../src/wire/endpoint.js";
import { Keyring } from "../../src/wire/keyring.js";
import { randomFrom } from "../sim/random.js";

export const secret = Buffer.alloc(32, 7);
export const clusterName = "fuzz";
const wallStart = 1_800_000_000_000;
const settleMs = 3000;
const stepMs = 5;

export interface Host {
  readonly identity: Identity;
  readonly address: string;
  readonly endpoint: Endpoint;
  groups: { free: boolean; leader: boolean };
}

export interface Delivered {
  readonly to: Host;
  readonly from: string;
  readonly data: Buffer;
}

export function identityOf(host: string, seed: number): Identity {
  return { host, id: hash64(`machine ${host}`), boot: hash64(`boot ${host} ${seed}`) };
}

export class Bed {
  readonly hosts: readonly Host[];
  /** Every datagram that a host has taken. */
  readonly delivered: Delivered[] = [];
  /** Of all that hosts did. */
  readonly #digest = createHash("sha256");
  nowMs = 0;
  #candidate: Host;

  constructor(seed: number) {
    const make = (name: string, index: number): Host => {
      const identity = identityOf(name, seed);
      const codec = new Codec(clusterName, identity, new Keyring([secret]));
      const node = { compat: "x86_64-glibc", random: randomFrom(seed + index) };
      const endpoint = new Endpoint({ identity, node, codec });
      return { identity, address: `${name}:7717`, endpoint, groups: { free: false, leader: false } };
    };
    this.hosts = ["lead", "second", "third", "busy"].map(make);
    this.#candidate = make("alone", 9);
    const [lead, second, , busy] = this.hosts as [Host, Host, Host, Host];
    second.endpoint.useSeeds([lead.address], this.nowMs, this.wallMs);
    for (const [index, host] of this.hosts.entries()) {
      const load = { busy: host === busy, free: 4, total: 4, guests: 0, cpuPercent: 10 * index };
      host.endpoint.step({ kind: "load", load }, this.nowMs, this.wallMs);
      this.run(index === 0 ? 600 : 0);
    }
    this.run(settleMs);
    const ask = { kind: "request", client: 1, id: 1, count: 2, compat: "x86_64-glibc", exclude: [] } as const;
    for (const host of this.hosts) host.endpoint.step(ask, this.nowMs, this.wallMs);
    busy.endpoint.step({ kind: "hosts", client: 1, id: 2 }, this.nowMs, this.wallMs);
    this.run(2000);
    this.#makeCandidate();
  }

  get wallMs(): number {
    return wallStart + this.nowMs;
  }

  /** Hosts in every role, also one that claims. */
  get everyone(): readonly Host[] {
    return [...this.hosts, this.#candidate];
  }

  /** Lets time pass, and the hosts talk. */
  run(ms: number): void {
    for (const end = this.nowMs + ms; this.nowMs <= end; this.nowMs += stepMs) {
      for (const host of this.hosts) {
        if (host.endpoint.wakeAt() <= this.nowMs) host.endpoint.tick(this.nowMs, this.wallMs);
        this.#perform(host);
      }
    }
  }

  /** All that the hosts did so far. */
  digest(): string {
    return this.#digest.copy().digest("hex");
  }

  #perform(host: Host): void {
    for (const output of host.endpoint.ready()) {
      if (output.kind === "groups") host.groups = output;
      if (output.kind !== "datagram") this.#digest.update(JSON.stringify(output));
      else this.#deliver(host, output);
    }
  }

  #deliver(from: Host, { to, data }: Extract<Output, { kind: "datagram" }>): void {
    this.#digest.update(data);
    const over = "group" in to ? "group" : "unicast";
    for (const host of this.hosts) {
      const reached = "group" in to ? host.groups[to.group] && host !== from : host.address === to.address;
      if (!reached) continue;
      if (host.endpoint.receive({ data, from: from.address, over }, this.nowMs, this.wallMs)) {
        this.delivered.push({ to: host, from: from.address, data });
      }
      this.#perform(host);
    }
  }

  /** One that hears nobody and has just claimed. */
  #makeCandidate(): void {
    const { endpoint } = this.#candidate;
    const load = { busy: false, free: 2, total: 2, guests: 0, cpuPercent: 0 };
    endpoint.step({ kind: "load", load }, this.nowMs, this.wallMs);
    for (const end = this.nowMs + 3000; endpoint.node.role === "free" && this.nowMs < end; ) {
      this.run(stepMs);
      endpoint.tick(this.nowMs, this.wallMs);
    }
    endpoint.ready();
  }
}

/** Everything of a host that a datagram could change, as far as it shows at once. */
export function shows({ endpoint }: Host, nowMs: number): string {
  const { node } = endpoint;
  const at = [endpoint.wakeAt(), node.worthAskingAt(nowMs), node.leasesHeld, node.leasesGranted];
  return `${node.role} ${node.epoch} ${node.leader} ${at.join(" ")}`;
}
