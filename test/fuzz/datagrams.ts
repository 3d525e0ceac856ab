/** Datagrams: noise, authentic ones changed, replayed, and senseless ones from someone who has the key. */
import { typeNumbers } from "../../src/wire/body.js";
import { datagramMax } from "../../src/wire/bytes.js";
import { Codec } from "../../src/wire/datagram.js";
import { Hmac, macBytes } from "../../src/wire/hmac.js";
import { Keyring } from "../../src/wire/keyring.js";
import { Bed, clusterName, type Host, identityOf, secret, shows } from "./bed.js";
import type { Chance } from "./random.js";
import { must, type Session, type Target } from "./target.js";

/** Inputs to one cluster before a fresh one takes its place. */
const inputsPerBed = 50_000;
const nameAt = 48;
const types = Object.values(typeNumbers);
const hmac = new Hmac(secret);
const envelopes = new Codec(clusterName, identityOf("evil", 1), new Keyring([secret]));

interface Input {
  readonly to: Host;
  readonly data: Buffer;
  readonly over?: "unicast";
}

/** Delivers what must be rejected: nothing shows, and in the end the cluster goes on as its untouched twin does. */
class Rejected implements Session {
  input: Buffer = Buffer.alloc(0);
  #seed = 0;
  #bed: Bed;
  #left = inputsPerBed;

  constructor(
    private readonly chance: Chance,
    private readonly make: (bed: Bed, chance: Chance) => Input | null,
  ) {
    this.#bed = this.#fresh();
  }

  once(): void {
    if (this.#left-- === 0) this.end();
    const made = this.make(this.#bed, this.chance);
    if (!made) return;
    const { to, data } = made;
    this.input = data;
    const { nowMs, wallMs } = this.#bed;
    const before = shows(to, nowMs);
    const over = made.over ?? (this.chance.once(2) ? "group" : "unicast");
    must(!to.endpoint.receive({ data, from: "evil:1", over }, nowMs, wallMs), "was accepted");
    must(to.endpoint.ready().length === 0, "was answered");
    must(shows(to, nowMs) === before, `changed ${before} to ${shows(to, nowMs)}`);
  }

  end(): void {
    const twin = new Bed(this.#seed);
    this.#bed.run(3000);
    twin.run(3000);
    must(this.#bed.digest() === twin.digest(), "the cluster went on differently from its twin");
    this.#bed = this.#fresh();
  }

  #fresh(): Bed {
    this.#left = inputsPerBed;
    this.#seed = this.chance.below(2 ** 31);
    return new Bed(this.#seed);
  }
}

function noise(bed: Bed, chance: Chance): Input {
  const data = chance.bytes(chance.below(chance.once(100) ? 3000 : 200));
  const sample = chance.pick(bed.delivered).data;
  // As much of a true header as to get past a few checks.
  sample.copy(data, 0, 0, Math.min(data.length, chance.pick([0, 4, 8, 16, 20, 32, nameAt])));
  if (data.length >= 8 && !chance.once(4)) data.writeUInt16LE(data.length & 0xffff, 6);
  return { to: chance.pick(bed.everyone), data };
}

function changed(bed: Bed, chance: Chance): Input | null {
  const { to, data: original } = chance.pick(bed.delivered);
  const data = chance.mutate(original, 3000);
  if (data.length >= 8 && chance.once(2)) data.writeUInt16LE(data.length & 0xffff, 6);
  return data.equals(original) ? null : { to: chance.once(4) ? chance.pick(bed.everyone) : to, data };
}

/** As it was, to whoever had it; not by a group, where a second copy may come by way of a seed. */
function replayed(bed: Bed, chance: Chance): Input {
  return { ...chance.pick(bed.delivered), over: "unicast" };
}

/** Puts another sender, number and date into a datagram, and signs it. */
class Forger {
  /** Above those of the true hosts, so that it can speak for them. */
  #number = 2 ** 48 - 2 ** 40;

  constructor(private readonly identities: readonly { readonly id: string; readonly boot: string }[]) {}

  sign(data: Buffer, wallMs: number, chance: Chance): Buffer {
    const { id, boot } = chance.pick(this.identities);
    const end = data.length - macBytes;
    data.writeUInt16LE(data.length, 6);
    data.writeUIntLE(++this.#number, 20, 6);
    data.writeUIntLE(wallMs, 26, 6);
    data.write(id, 32, "hex");
    data.write(boot, 40, "hex");
    data.write(hmac.of(data, end), end, macBytes, "latin1");
    return data;
  }
}

/** From a holder of the key: whatever it says, nobody throws, and what is sent in turn can be read. */
class Authentic implements Session {
  input: Buffer = Buffer.alloc(0);
  #bed: Bed;
  #forger: Forger;
  #watcher: Codec;
  #left = 0;

  constructor(
    private readonly chance: Chance,
    private readonly make: (bed: Bed, forger: Forger, chance: Chance) => Buffer,
  ) {
    [this.#bed, this.#forger, this.#watcher] = this.#fresh();
  }

  once(): void {
    if (this.#left-- === 0) [this.#bed, this.#forger, this.#watcher] = this.#fresh();
    const { chance } = this;
    const bed = this.#bed;
    const host = chance.pick(bed.everyone);
    const data = this.make(bed, this.#forger, chance);
    this.input = data;
    const before = shows(host, bed.nowMs);
    const from = chance.pick([...bed.hosts.map(({ address }) => address), "evil:1"]);
    const over = chance.once(2) ? "group" : "unicast";
    const taken = host.endpoint.receive({ data, from, over }, bed.nowMs, bed.wallMs);
    if (!taken) must(shows(host, bed.nowMs) === before, "was rejected, and changed something");
    this.#read(host);
    if (chance.once(50)) {
      bed.nowMs += chance.below(50);
      host.endpoint.tick(bed.nowMs, bed.wallMs);
      this.#read(host);
    }
  }

  #read(host: Host): void {
    const { nowMs, wallMs } = this.#bed;
    let last: Buffer | undefined;
    for (const output of host.endpoint.ready()) {
      if (output.kind !== "datagram" || output.data === last) continue; // the same one, to several hosts
      last = output.data;
      const opened = this.#watcher.open(output.data, wallMs, nowMs, host.address);
      must(typeof opened !== "string", `sends what cannot be read: ${JSON.stringify(output.message)}`);
    }
  }

  #fresh(): [Bed, Forger, Codec] {
    this.#left = inputsPerBed;
    const seed = this.chance.below(2 ** 31);
    const bed = new Bed(seed);
    const evil = ["evil", "lead", "busy"].map((name) => identityOf(name, seed + 1));
    const impostor = bed.hosts.map(({ identity }) => identity);
    const watcher = new Codec(clusterName, identityOf("watcher", seed), new Keyring([secret]));
    return [bed, new Forger([...evil, ...impostor]), watcher];
  }
}

function senseless(bed: Bed, forger: Forger, chance: Chance): Buffer {
  const { data: original } = chance.pick(bed.delivered);
  const end = original.length - macBytes;
  const signed = chance.mutate(original.subarray(0, end), datagramMax - macBytes, nameAt);
  const data = Buffer.concat([signed, Buffer.alloc(macBytes)]);
  if (chance.once(3)) data[5] = chance.pick(types);
  return forger.sign(data, bed.wallMs, chance);
}

/** A true envelope around something else. */
function enveloped(bed: Bed, forger: Forger, chance: Chance): Buffer {
  const { data: original } = chance.pick(bed.delivered);
  const inner = chance.once(3) ? senseless(bed, forger, chance) : chance.mutate(original, datagramMax);
  const cut = inner.subarray(0, 1000);
  const group = chance.once(2) ? "free" : "leader";
  const relay = chance.once(2);
  const message = relay
    ? ({ type: "relay", group, data: cut } as const)
    : ({ type: "relayed", group, origin: chance.pick(["", "third:7717", "x"]), data: cut } as const);
  return forger.sign(envelopes.seal(message, bed.wallMs), bed.wallMs, chance);
}

export const datagramTargets: readonly Target[] = [
  { name: "datagrams of noise", share: 150, start: (chance) => new Rejected(chance, noise) },
  { name: "datagrams changed", share: 300, start: (chance) => new Rejected(chance, changed) },
  { name: "datagrams replayed", share: 40, start: (chance) => new Rejected(chance, replayed) },
  { name: "datagrams senseless, signed", share: 200, start: (chance) => new Authentic(chance, senseless) },
  { name: "datagrams in envelopes", share: 60, start: (chance) => new Authentic(chance, enveloped) },
];
