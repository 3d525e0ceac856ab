/** Datagrams of someone without the key: everything is right, of this moment, and from a host that there is; the MAC is not. */
import { anyHost } from "../../core/kinds/need.js";
import { hostCompat } from "../../io/compat.js";
import type { Lab } from "../../lab/lab.js";
import { typeNumbers } from "../../wire/body.js";
import { type Datagram, noSeed } from "../../wire/envelope.js";
import { keyId } from "../../wire/keyring.js";
import { phantom, secretOf } from "./traffic.js";

const KEY_AT = 16;
const SENDER_AT = 32;
const SENDER_END = 48;
const epoch = 1_000_000;
const [ballot, host] = [0, "n1"];
const id = "00000000000000aa";

/** One message of each type, such as would do harm. */
const HARMFUL: { readonly [T in Datagram["type"]]: Omit<Extract<Datagram, { type: T }>, "type"> } = {
  advert: { epoch, ballot, votes: 9, hosts: 9, free: 9, refreshMs: 20_000, spreadMs: 5000 },
  available: {
    epoch,
    free: 256,
    total: 256,
    guests: 0,
    cpuPercent: 0,
    availableMb: 0,
    ioPercent: 0,
    compat: hostCompat(),
  },
  unavailable: {},
  request: { request: 1, count: 12, compat: hostCompat(), exclude: [], wanted: anyHost },
  grant: { request: 1, lifeMs: 60_000, leases: [{ id, host }] },
  deny: { request: 1, retryMs: 60_000, why: "forged" },
  claim: { epoch, ballot, resigned: epoch },
  hold: { epoch, leader: "nobody", id },
  resign: { epoch },
  renew: { leases: [{ id, host }] },
  leases: { valid: [], lost: [id] },
  release: { leases: [id] },
  query: { query: 1 },
  rows: { query: 1, total: 1, rows: [] },
  vote: { epoch },
  namesake: { host, id, address: "" },
  join: { seed: noSeed, free: true, leader: true, need: true },
  joined: { members: 9, needing: 9 },
  relay: { group: "free", data: Buffer.alloc(100) },
  relayed: { group: "free", origin: "", data: Buffer.alloc(100) },
};

/**
 * Forged datagrams, all types in turn.
 * @param sample a captured datagram of the host that they shall seem to come from
 */
export function forge(lab: Lab, count: number, sample?: Buffer): Buffer[] {
  const forger = phantom(lab, host, Buffer.alloc(32, 7));
  const types = Object.keys(typeNumbers) as Datagram["type"][];
  return Array.from({ length: count }, (_, i) => {
    const type = types[i % types.length] ?? "advert";
    const data = forger.seal({ type, ...HARMFUL[type] } as Datagram, Date.now());
    data.writeUInt32LE(keyId(secretOf(lab)), KEY_AT);
    sample?.copy(data, SENDER_AT, SENDER_AT, SENDER_END);
    return data;
  });
}
