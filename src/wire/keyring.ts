/** The cluster's secrets: the first signs, all are accepted, so that keys can be rotated without a restart. */
import { createHash } from "node:crypto";
import { Hmac, sameTag } from "./hmac.js";

interface Key {
  /** First 32 bits of a hash of the key: says which key, and nothing about it. */
  readonly id: number;
  readonly hmac: Hmac;
}

export class Keyring {
  readonly #keys: readonly Key[];
  readonly #signing: Key;

  /** @param secrets at least one, 32 bytes or more each; the first signs. */
  constructor(secrets: readonly Buffer[]) {
    this.#keys = secrets.map((secret) => ({ id: keyId(secret), hmac: new Hmac(secret) }));
    const [first] = this.#keys;
    if (!first) throw new RangeError("a keyring needs a key");
    this.#signing = first;
  }

  get signingId(): number {
    return this.#signing.id;
  }

  /** The key that signs comes first. */
  get ids(): readonly number[] {
    return this.#keys.map((key) => key.id);
  }

  has(id: number): boolean {
    return this.#keys.some((key) => key.id === id);
  }

  /** MAC of the first `length` bytes, as 16 characters of one byte each. */
  sign(data: Uint8Array, length: number): string {
    return this.#signing.hmac.of(data, length);
  }

  /** Whether what follows the first `length` bytes is their MAC under the key of that id. */
  verify(id: number, data: Uint8Array, length: number): boolean {
    return this.#keys.some((key) => key.id === id && sameTag(key.hmac.of(data, length), data, length));
  }

  /** Ballot of a machine for an epoch under the key that signs, u32. */
  ballot(id: string, epoch: number): number {
    return ballot(this.#signing.hmac, id, epoch);
  }

  /** Whether a ballot is right under any of the keys: while they are rotated, hosts sign with different ones. */
  ballotValid(id: string, epoch: number, value: number): boolean {
    return this.#keys.some((key) => ballot(key.hmac, id, epoch) === value);
  }
}

function ballot(hmac: Hmac, id: string, epoch: number): number {
  const text = Buffer.from(`pants ballot ${id} ${epoch}`, "latin1");
  return Buffer.from(hmac.of(text, text.length), "latin1").readUInt32LE(0);
}

/** What a datagram's header says of the key that signed it. */
export function keyId(secret: Buffer): number {
  return createHash("sha256").update("pants key id\0").update(secret).digest().readUInt32LE(0);
}

/** An id as people see it: 8 hex digits. */
export function keyIdWords(id: number): string {
  return id.toString(16).padStart(8, "0");
}
