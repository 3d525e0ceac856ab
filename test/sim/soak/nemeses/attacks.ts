/** Somebody on the network without the key: noise, damage, forgery, and captured traffic sent again. */
import type { Destination } from "../../../../src/core/events.js";
import { Codec, protocolVersion } from "../../../../src/wire/datagram.js";
import type { Datagram } from "../../../../src/wire/envelope.js";
import { macBytes } from "../../../../src/wire/hmac.js";
import { Keyring } from "../../../../src/wire/keyring.js";
import type { Sent } from "../../host.js";
import { Draw } from "../draw.js";
import type { Maker } from "../fault.js";
import type { Soak } from "../soak.js";

/** A datagram from the wire. */
export interface Captured {
  readonly data: Buffer;
  readonly to: Destination;
  readonly sent: Sent;
}

const wrongKey = new Keyring([Buffer.alloc(32, 0x66)]);
/** Where the key's id is, and the version. */
const keyAt = 16;
const versionAt = 4;

/** Makes bytes out of captured ones; null: as they were. */
type Forge = (draw: Draw, captured: Captured, soak: Soak) => Buffer | null;

const noise: Forge = (draw) =>
  Buffer.from(Array.from({ length: draw.whole(0, 1300) }, () => draw.whole(0, 255)));

const truncated: Forge = (draw, { data }) => Buffer.from(data.subarray(0, draw.whole(0, data.length - 1)));

const damaged: Forge = (draw, { data }) => {
  const bytes = Buffer.from(data);
  const at = draw.whole(0, bytes.length - 1);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << draw.whole(0, 7));
  return bytes;
};

/** The right bytes under the wrong key, which has, or has not, the right id. */
const resealed: Forge = (draw, { data }) => {
  const bytes = Buffer.from(data);
  if (draw.chance(0.3)) bytes.writeUInt32LE(wrongKey.signingId, keyAt);
  const end = bytes.length - macBytes;
  bytes.write(wrongKey.sign(bytes, end), end, "latin1");
  return bytes;
};

const otherVersion: Forge = (draw, { data }) => {
  const bytes = Buffer.from(data);
  bytes[versionAt] = draw.one([0, protocolVersion - 1, protocolVersion + 1, 255]);
  return bytes;
};

/** What would do most harm, as from one of the hosts, under the wrong key with the right id. */
const forged: Forge = (draw, { data, sent }, soak) => {
  const { name, id } = sent.host;
  const identity = { host: name, id, boot: "00112233aabbccdd" };
  const epoch = draw.one([1, 1000, 0xffff_ffff_ffff]);
  const messages: readonly Datagram[] = [
    { type: "claim", epoch, ballot: 0, resigned: 0 },
    { type: "resign", epoch },
    { type: "unavailable" },
    { type: "hold", epoch, leader: name, id },
    { type: "namesake", host: name, id: "0123456789abcdef", address: "elsewhere" },
    { type: "release", leases: ["0123456789abcdef"] },
  ];
  const codec = new Codec("sim", identity, wrongKey);
  const bytes = codec.seal(draw.one(messages), sent.host.wall(soak.world.now));
  bytes.writeUInt32LE(data.readUInt32LE(keyAt), keyAt);
  return bytes;
};

const again: Forge = () => null;

const kinds: readonly (readonly [name: string, forge: Forge])[] = [
  ["noise", noise],
  ["truncated datagrams", truncated],
  ["damaged datagrams", damaged],
  ["the right bytes under the wrong key", resealed],
  ["datagrams of another version", otherVersion],
  ["forged datagrams", forged],
  ["captured traffic", again],
  ["captured traffic", again],
];

const attack: Maker = (draw) => {
  const [name, forge] = draw.one(kinds);
  const meanMs = draw.magnitude(3, 200);
  const everywhere = draw.chance(0.5);
  const seed = draw.seed();
  return {
    what: `${name} ${everywhere ? "to any host" : "to whom it was for"}, every ${meanMs.toFixed(0)} ms or so`,
    begin: (soak) => {
      const live = new Draw(seed);
      let on = true;
      const shoot = (): void => {
        if (!on) return;
        const captured = soak.captured(live);
        if (captured) throwAt(soak, live, captured, forge(live, captured, soak), everywhere);
        soak.world.at(live.wait(meanMs), shoot);
      };
      shoot();
      return () => {
        on = false;
      };
    },
  };
};

function throwAt(
  soak: Soak,
  draw: Draw,
  captured: Captured,
  bytes: Buffer | null,
  everywhere: boolean,
): void {
  const { sent } = captured;
  const payload = bytes ?? captured.data;
  for (const host of soak.world.hosts.values()) {
    const addressed = !("address" in captured.to) || captured.to.address === host.address;
    if (!everywhere && !addressed) continue;
    // To any host: through whatever door. Captured traffic keeps the address that it came from.
    const to = everywhere && draw.chance(0.5) ? { address: host.address } : captured.to;
    const over = "group" in to ? "group" : "unicast";
    if (over === "unicast" && !("address" in to && to.address === host.address)) continue;
    const transit = {
      from: sent.host.address,
      to: host.address,
      over,
      payload,
      sent: bytes ? null : sent,
      injected: true,
    } as const;
    soak.world.inject(transit, to);
  }
}

export const attacks: readonly Maker[] = [attack];
