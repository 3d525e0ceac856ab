/**
 * Which machine has which name, as the leader heard: the first that lives keeps it. Also tells a machine that started
 * anew from one that goes on.
 */
import type { Address, Sender } from "./messages.js";

export interface Holder {
  readonly id: string;
  address: Address;
  boot: string;
  /** Boot before the last restart: what still arrives from then is out of date. */
  former: string;
  /** The name is free for others from then on. */
  until: number;
}

export type Admission =
  | { readonly kind: "known" | "anew" | "outdated" }
  | { readonly kind: "namesake"; readonly holder: Holder };

const known: Admission = { kind: "known" };

export class Names {
  readonly #byName = new Map<string, Holder>();

  constructor(private readonly namesMax: number) {}

  get size(): number {
    return this.#byName.size;
  }

  /** Takes note of a sender, whose name is its own at least until then. In a full table new names go unnoted. */
  admit({ host, id, boot, address }: Sender, now: number, until: number): Admission {
    const holder = this.#byName.get(host);
    if (!holder || (holder.id !== id && holder.until <= now)) {
      if (holder || this.#byName.size < this.namesMax)
        this.#byName.set(host, { id, boot, address, former: "", until });
      return known;
    }
    if (holder.id !== id) return { kind: "namesake", holder };
    if (holder.former === boot) return { kind: "outdated" };
    holder.until = Math.max(holder.until, until);
    holder.address = address;
    if (holder.boot === boot) return known;
    holder.former = holder.boot;
    holder.boot = boot;
    return { kind: "anew" };
  }

  /** This host says that it goes: its name is free for others soon. */
  leave(host: string, until: number): void {
    const holder = this.#byName.get(host);
    if (holder) holder.until = until;
  }

  sweep(now: number): void {
    for (const [host, holder] of this.#byName) if (holder.until <= now) this.#byName.delete(host);
  }
}
