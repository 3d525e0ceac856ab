/** The cluster's secrets: the first signs, all are accepted, so that keys can be rotated without a restart. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** HMAC-SHA-256 cut to 128 bits. */
export const macBytes = 16;

interface Key {
  /** First 32 bits of a hash of the key: says which key, and nothing about it. */
  readonly id: number;
  readonly secret: Buffer;
}

export class Keyring {
  readonly #keys: readonly Key[];
  readonly #signing: Key;

  /** @param secrets at least one, 32 bytes or more each; the first signs. */
  constructor(secrets: readonly Buffer[]) {
    this.#keys = secrets.map((secret) => ({ id: idOf(secret), secret }));
    const [first] = this.#keys;
    if (!first) throw new RangeError("a keyring needs a key");
    this.#signing = first;
  }

  get signingId(): number {
    return this.#signing.id;
  }

  has(id: number): boolean {
    return this.#keys.some((key) => key.id === id);
  }

  sign(data: Buffer): Buffer {
    return mac(this.#signing.secret, data);
  }

  /** Whether `tag` is the MAC of `data` under the key of that id, in constant time. */
  verify(id: number, data: Buffer, tag: Buffer): boolean {
    return this.#keys.some((key) => key.id === id && timingSafeEqual(mac(key.secret, data), tag));
  }
}

function mac(secret: Buffer, data: Buffer): Buffer {
  return createHmac("sha256", secret).update(data).digest().subarray(0, macBytes);
}

function idOf(secret: Buffer): number {
  return createHash("sha256").update("pants key id\0").update(secret).digest().readUInt32LE(0);
}
