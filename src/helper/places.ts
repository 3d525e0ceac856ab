/** What is known of other hosts as places for jobs, from leases granted there and denied, and from what ran there. Pure. */
import type { Takes } from "../core/kinds/promises.js";

/** Hosts remembered; the one not heard of for longest goes. */
const hostsMax = 256;
/** Slots once had there are expected to be had again for so long, ms. */
const slotsMs = 600_000;
/** A disk that one of ours had to itself is left to us for so long, ms. */
const diskMs = 60_000;
/** What a host said of its memory holds for so long, ms: what others take of it changes. */
const memoryMs = 8000;

interface Known {
  /** Most leases held there at a time. */
  slots: number;
  slotsAt: number;
  /** No slot beside those held is to be had until then; and no idle disk. */
  deniedUntil: number;
  diskDeniedUntil: number;
  /** When a job of ours that lives by the disk last ran there. */
  diskAt: number;
  /** Memory for ours together as it said when it refused one, MiB. */
  memoryMb: number;
  memoryAt: number;
}

const never = Number.NEGATIVE_INFINITY;

export class Places {
  readonly #hosts = new Map<string, Known>();

  get hosts(): Iterable<string> {
    return this.#hosts.keys();
  }

  /** @param held - leases on it now */
  granted(host: string, held: number, now: number): void {
    const known = this.#of(host);
    if (held >= known.slots || now >= known.slotsAt + slotsMs) {
      known.slots = held;
      known.slotsAt = now;
    }
  }

  /** Asked for by name, it had no slot, or with `io` perhaps no idle disk. */
  denied(host: string, io: boolean, until: number): void {
    const known = this.#of(host);
    if (io) known.diskDeniedUntil = until;
    else known.deniedUntil = until;
  }

  /** A job of ours ran there until now. */
  ran(host: string, { io }: Takes, now: number): void {
    if (io) this.#of(host).diskAt = now;
  }

  /** It refused a job for its memory. @param memoryMb - what ours take there and what it has left, MiB */
  refused(host: string, memoryMb: number, now: number): void {
    const known = this.#of(host);
    known.memoryMb = memoryMb;
    known.memoryAt = now;
  }

  /** Slots that are to be had there, those held counted. */
  slots(host: string, held: number, now: number): number {
    const known = this.#hosts.get(host);
    if (!known || now < known.deniedUntil || now >= known.slotsAt + slotsMs) return held;
    return Math.max(held, known.slots);
  }

  /** Memory for ours together, MiB; Infinity when not known. */
  memoryMb(host: string, now: number): number {
    const known = this.#hosts.get(host);
    return known && now < known.memoryAt + memoryMs ? known.memoryMb : Number.POSITIVE_INFINITY;
  }

  /** Whether others leave us its disk, as far as is known. */
  disk(host: string, now: number): boolean {
    return now >= (this.#hosts.get(host)?.diskDeniedUntil ?? never);
  }

  /** Whether it was ours lately, so that nobody need be asked. */
  hadDisk(host: string, now: number): boolean {
    return now < (this.#hosts.get(host)?.diskAt ?? never) + diskMs;
  }

  #of(host: string): Known {
    const known = this.#hosts.get(host) ?? {
      slots: 0,
      slotsAt: never,
      deniedUntil: never,
      diskDeniedUntil: never,
      diskAt: never,
      memoryMb: 0,
      memoryAt: never,
    };
    this.#hosts.delete(host);
    this.#hosts.set(host, known);
    const oldest = this.#hosts.size > hostsMax ? this.#hosts.keys().next().value : undefined;
    if (oldest !== undefined) this.#hosts.delete(oldest);
    return known;
  }
}
