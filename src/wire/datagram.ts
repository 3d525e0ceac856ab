/**
 * Messages as datagrams and back. Little-endian:
 *
 *     0 magic u32   4 version u8   5 type u8   6 length u16   8 cluster u64   16 key id u32   20 sequence u48
 *     26 wall time u48, ms   32 sender u64   40 boot u64   48 name (u8 length, bytes)   body   MAC 16 bytes
 *
 * Magic, version, length and cluster keep their places in all versions, so that hosts of different ones can tell.
 * The MAC covers everything before it. Checks go from the cheapest to the dearest, and a datagram that fails one
 * changes that check's counter and at most a notice, but that an authentic one out of bounds uses up its number too.
 */
import { createHash } from "node:crypto";
import type { Ballots } from "../core/events.js";
import { readBody, typeName, typeNumbers, writeBody } from "./body.js";
import { Boots } from "./boots.js";
import { BoundsError, datagramMax, nameMax, Reader, Writer } from "./bytes.js";
import { apart, Dates, timeWindowMs } from "./dates.js";
import type { Datagram } from "./envelope.js";
import { macBytes } from "./hmac.js";
import type { Keyring } from "./keyring.js";
import { Notices } from "./notices.js";
import { ReplayGuard } from "./replay.js";
import { Sequence } from "./sequence.js";

const magic = 0x5443_4e50; // "PNCT"
/** Of the protocol: changes whenever a host of the one before could misread a datagram. */
export const protocolVersion = 2;
/** Where the fields of the header are. */
const at = {
  version: 4,
  type: 5,
  length: 6,
  cluster: 8,
  key: 16,
  sequence: 20,
  date: 26,
  sender: 32,
  boot: 40,
  name: 48,
} as const;
/** A datagram refused for its date alone is verified this often, for the notice: a flood of them costs no more. */
const verifyGapMs = 1000;
/** A host is counted under the key it last signed with for so long. */
const keyHeardMs = 60_000;

/** Why a datagram was dropped, in the order of the checks. */
export const rejections = [
  "length",
  "magic",
  "cluster",
  "version",
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
  /** Grows with each datagram of this boot. */
  readonly sequence: number;
  readonly message: Datagram;
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

export interface CodecOptions {
  /** Spoken and understood; another one than `protocolVersion` in tests only. */
  readonly version?: number;
}

export class Codec {
  readonly #cluster: Buffer;
  readonly #version: number;
  readonly #replay = new ReplayGuard();
  readonly #boots = new Boots();
  readonly #sequence = new Sequence();
  readonly #dates = new Dates();
  readonly #notices = new Notices();
  readonly #writer = new Writer();
  /** Header and name of every datagram of this host. */
  readonly #head: Buffer;
  #keys: Keyring;
  #verifiedMs = Number.NEGATIVE_INFINITY;

  constructor(
    cluster: string,
    private readonly identity: Identity,
    keys: Keyring,
    { version = protocolVersion }: CodecOptions = {},
  ) {
    const clusterId = hash64(`pants cluster ${cluster}`);
    this.#cluster = Buffer.from(clusterId, "hex");
    this.#version = version;
    this.#keys = keys;
    const head = new Writer().u32(magic).u8(version).u8(0).u16(0).id(clusterId).u32(keys.signingId);
    head.u48(0).u48(0).id(identity.id).id(identity.boot).text(identity.host, nameMax);
    this.#head = head.copy();
  }

  /** This host's ballots, and how to check those of others. */
  get ballots(): Ballots {
    const { id } = this.identity;
    return {
      own: (epoch) => this.#keys.ballot(id, epoch),
      valid: (other, epoch, ballot) => this.#keys.ballotValid(other, epoch, ballot),
    };
  }

  /** Other keys from now on; what was seen stays seen. */
  useKeys(keys: Keyring): void {
    this.#keys = keys;
    this.#head.writeUInt32LE(keys.signingId, at.key);
  }

  /** Each key in force, the one that signs first, with how many other hosts lately signed with it. */
  keysHeard(nowMs: number): { readonly id: number; readonly hosts: number }[] {
    const heard = this.#replay.keysHeard(keyHeardMs, nowMs);
    return this.#keys.ids.map((id) => ({ id, hosts: heard.get(id) ?? 0 }));
  }

  /** What a user should know about datagrams that were turned away. */
  notices(nowMs: number): string[] {
    return this.#notices.list(nowMs);
  }

  /** A message of this host as a datagram. `wallMs`: wall clock, ms since 1970. */
  seal(message: Datagram, wallMs: number): Buffer {
    const head = this.#head;
    head[at.type] = typeNumbers[message.type];
    head.writeUIntLE(this.#sequence.next(wallMs), at.sequence, 6);
    head.writeUIntLE(Math.max(0, Math.round(wallMs)), at.date, 6);
    const to = this.#writer.restart().raw(head);
    writeBody(to, message);
    to.patchU16(at.length, to.length + macBytes);
    return to.latin1(this.#keys.sign(to.buffer, to.length)).copy();
  }

  /**
   * Checks and reads a datagram.
   * @param wallMs wall clock, ms since 1970 @param nowMs monotonic @param from where it came from
   */
  open(data: Buffer, wallMs: number, nowMs: number, from: string): Opened | Rejection {
    const end = data.length - macBytes;
    if (data.length > datagramMax || end <= at.name) return "length";
    if (data.readUInt32LE(0) !== magic) return "magic";
    if (data.readUInt16LE(at.length) !== data.length) return "length";
    if (this.#cluster.compare(data, at.cluster, at.key) !== 0) return "cluster";
    const version = data[at.version] ?? 0;
    if (version !== this.#version) {
      this.#noteVersion(version, nowMs, from);
      return "version";
    }
    const keyId = data.readUInt32LE(at.key);
    if (!this.#keys.has(keyId)) return "key";
    const date = data.readUIntLE(at.date, 6);
    if (!this.#dates.current(date, wallMs, nowMs)) {
      this.#noteDate(data, end, date, wallMs, nowMs);
      return "time";
    }
    if (!this.#keys.verify(keyId, data, end)) return "mac";
    const sender = data.toString("hex", at.sender, at.name);
    if (!this.#boots.current(sender, date, wallMs + timeWindowMs)) return "replay";
    if (!this.#replay.accept(sender, data.readUIntLE(at.sequence, 6), keyId, nowMs)) return "replay";
    return readOpened(data, end, sender);
  }

  /** Who speaks another version cannot be authenticated, so only its address is named. */
  #noteVersion(version: number, nowMs: number, from: string): void {
    const own = this.#version;
    const newer = version > own ? "this host" : "that one";
    this.#notices.note(
      `version ${from}`,
      `${from} speaks version ${version} of the protocol, this host version ${own}: install a newer PANTS on ${newer}`,
      nowMs,
    );
  }

  #noteDate(data: Buffer, end: number, date: number, wallMs: number, nowMs: number): void {
    if (nowMs - this.#verifiedMs < verifyGapMs) return;
    this.#verifiedMs = nowMs;
    if (!this.#keys.verify(data.readUInt32LE(at.key), data, end)) return;
    const opened = readOpened(data, end, "");
    if (opened === "bounds") return;
    const { host } = opened;
    this.#notices.note(`clock ${host}`, `the clock of ${host} is ${apart(date, wallMs)} this host's`, nowMs);
  }
}

function readOpened(data: Buffer, end: number, sender: string): Opened | "bounds" {
  const type = typeName(data[at.type] ?? 0);
  if (type === undefined) return "bounds";
  try {
    const from = new Reader(data, at.name, end);
    const host = from.name();
    const message = readBody(type, from);
    if (!from.done) return "bounds";
    const sequence = data.readUIntLE(at.sequence, 6);
    return { host, id: sender.slice(0, 16), boot: sender.slice(16), sequence, message };
  } catch (error) {
    if (error instanceof BoundsError) return "bounds";
    throw error;
  }
}

/** Which machine sealed a datagram that was authentic. */
export function originOf(data: Buffer): string {
  return data.toString("hex", at.sender, at.boot);
}

/** Tells a datagram that was authentic from every other one, and knows its copies. */
export function copyOf(data: Buffer): string {
  return data.toString("latin1", at.sequence, at.name);
}
