/**
 * Messages as datagrams and back. Little-endian:
 *
 *     0 magic u32   4 version u8   5 type u8   6 length u16   8 cluster u64   16 key id u32   20 sequence u48
 *     26 wall time u48, ms   32 sender u64   40 boot u64   48 name (u8 length, bytes)   body   MAC 16 bytes
 *
 * The MAC covers everything before it. Checks go from the cheapest to the dearest, and a datagram that fails one
 * changes that check's counter and nothing else, but that an authentic one out of bounds uses up its number too.
 */
import { createHash } from "node:crypto";
import type { Message } from "../core/messages.js";
import { readBody, typeName, typeNumbers, writeBody } from "./body.js";
import { BoundsError, datagramMax, nameMax, Reader, Writer } from "./bytes.js";
import { type Keyring, macBytes } from "./keyring.js";
import { ReplayGuard } from "./replay.js";

const magic = 0x5443_4e50; // "PNCT"
const version = 1;
const headerBytes = 48;
/**
 * Wall clocks may differ by this much. Hosts that share work share NTP, so seconds would do; half a minute spares a
 * host whose clock is being slewed, and is short enough for the replay guard to remember everyone meanwhile.
 */
export const timeWindowMs = 30_000;

/** Why a datagram was dropped, in the order of the checks. */
export const rejections = [
  "length",
  "magic",
  "version",
  "cluster",
  "key",
  "time",
  "mac",
  "replay",
  "bounds",
] as const;
export type Rejection = (typeof rejections)[number];

export interface Opened {
  readonly host: string;
  /** Which machine says that it is `host`, 64 bits in hex. */
  readonly id: string;
  readonly boot: string;
  readonly message: Message;
}

export interface Identity {
  readonly host: string;
  /** 64 bits in hex. */
  readonly id: string;
  /** 64 random bits in hex, new at each start. */
  readonly boot: string;
}

/** First 64 bits of a hash, in hex: of a cluster's or a machine's name. */
export function hash64(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

export class Codec {
  readonly #clusterId: string;
  readonly #replay = new ReplayGuard();
  #sequence = 0;

  constructor(
    cluster: string,
    private readonly identity: Identity,
    private readonly keys: Keyring,
  ) {
    this.#clusterId = hash64(`pants cluster ${cluster}`);
  }

  /** A message of this host as a datagram. `wallMs`: wall clock, ms since 1970. */
  seal(message: Message, wallMs: number): Buffer {
    this.#sequence += 1;
    const body = new Writer();
    body.text(this.identity.host, nameMax);
    writeBody(body, message);
    const to = new Writer();
    to.u32(magic).u8(version).u8(typeNumbers[message.type]);
    to.u16(headerBytes + body.length + macBytes);
    to.id(this.#clusterId).u32(this.keys.signingId).u48(this.#sequence).u48(wallMs);
    to.id(this.identity.id).id(this.identity.boot).raw(body.bytes());
    return to.raw(this.keys.sign(to.bytes())).bytes();
  }

  /** Checks and reads a datagram. */
  open(data: Buffer, wallMs: number): Opened | Rejection {
    const end = data.length - macBytes;
    if (data.length > datagramMax || end < headerBytes + 1) return "length";
    const header = new Reader(data, 0, headerBytes);
    if (header.u32() !== magic) return "magic";
    if (header.u8() !== version) return "version";
    const type = typeName(header.u8());
    if (header.u16() !== data.length) return "length";
    if (header.id() !== this.#clusterId) return "cluster";
    const keyId = header.u32();
    if (!this.keys.has(keyId)) return "key";
    const sequence = header.u48();
    if (Math.abs(header.u48() - wallMs) > timeWindowMs) return "time";
    if (!this.keys.verify(keyId, data.subarray(0, end), data.subarray(end))) return "mac";
    const id = header.id();
    const boot = header.id();
    if (!this.#replay.accept(id + boot, sequence)) return "replay";
    return type === undefined ? "bounds" : readOpened(data, end, type, id, boot);
  }
}

function readOpened(
  data: Buffer,
  end: number,
  type: Message["type"],
  id: string,
  boot: string,
): Opened | "bounds" {
  try {
    const from = new Reader(data, headerBytes, end);
    const host = from.name();
    const message = readBody(type, from);
    return from.done ? { host, id, boot, message } : "bounds";
  } catch (error) {
    if (error instanceof BoundsError) return "bounds";
    throw error;
  }
}
