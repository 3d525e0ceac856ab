/** Jobs that were told to run here, and this host beside them. Pure. */
import { type Need, takes } from "../core/kinds/need.js";
import { Promises } from "../core/kinds/promises.js";
import { Pace } from "./pace.js";
import type { Booked, Place } from "./timeline.js";
import { type HomeSlots, hereMs } from "./wait-model.js";
import type { Job } from "./waiting.js";

/** A job that was told to run here shows in the slots after so long, ms. */
const shownMs = 1000;
/** What one uses that was started here is in the load after so long, ms. */
const measuredMs = 2000;
/** A disk is idle again so long after a job that lived by it, though it still counts as busy, ms. */
const diskMs = 5000;

/** What a plan is made of. */
const shown = ["free", "taken", "total", "room", "beside", "closed", "diskBusy", "availableMb"] as const;

interface Running extends Booked {
  readonly since: number;
  /** What it runs, when nothing is known of it. */
  readonly program: string | null;
}

export class HomeJobs {
  /** As last looked at, and with what it has beyond that. */
  slots: HomeSlots = { free: 0, taken: 0, total: 1, room: Number.POSITIVE_INFINITY };
  /** How much longer jobs take here than they should. */
  readonly pace = new Pace();
  readonly #running = new Map<number, Running>();
  readonly #promises = new Promises();
  /** Started although there was no room, as far as the table tells: so many may be. */
  readonly #crowd = new Set<number>();
  #crowdMax = 0;
  /** Room as the table has it. */
  #room = Number.POSITIVE_INFINITY;
  #diskAt = Number.NEGATIVE_INFINITY;

  /** @returns whether that changes a plan */
  looked(slots: HomeSlots, now: number): boolean {
    const before = this.slots;
    // An end that nobody told us of: the oldest has had the most time for it.
    for (const [id, { since }] of this.#running) {
      if (this.#running.size <= slots.taken + (slots.beside ?? 0) || now - since < shownMs) break;
      this.#running.delete(id);
    }
    const idle = this.#idle(slots, now);
    this.#room = Math.max(slots.room, idle);
    this.slots = { ...slots, free: Math.max(slots.free, idle), room: this.#roomLeft() };
    return shown.some((one) => slots[one] !== before[one]);
  }

  /** @param ms - that it is expected to take */
  begun({ id, need, program = "" }: Job, ms: number, now: number): void {
    const wants = takes(need);
    this.#promises.begun(id, wants, now);
    this.#running.set(id, { ...wants, since: now, endsAt: now + ms, program: need ? null : program });
    const { free, taken } = this.slots;
    if (need) this.pace.begun(id, free > 0 ? ms : hereMs(need, this.slots), now);
    if (this.#room <= 0) this.#crowd.add(id);
    this.#room -= 1;
    this.slots = {
      ...this.slots,
      free: Math.max(0, free - 1),
      taken: taken + (free > 0 ? 1 : 0),
      room: this.#roomLeft(),
    };
  }

  ended(id: number, now: number): void {
    if (this.#running.get(id)?.io) this.#diskAt = now;
    this.#running.delete(id);
    if (this.#crowd.delete(id)) this.slots = { ...this.slots, room: this.#roomLeft() };
    this.pace.ended(id, now);
    this.#promises.ended(id, this.slots.availableMb ?? 0);
  }

  /** A program of which nothing is known takes at least so long, by those that still run here, ms. */
  atLeastMs(program: string, now: number): number {
    let ms = 0;
    for (const one of this.#running.values()) if (one.program === program) ms = Math.max(ms, now - one.since);
    return ms;
  }

  /** Room for one more: all places are taken for long. */
  grow(): void {
    this.#crowdMax = this.#crowd.size + 1;
    this.slots = { ...this.slots, room: this.#roomLeft() };
  }

  /** Places come free again: as much room as usual. */
  shrink(): void {
    this.#crowdMax = 0;
    this.slots = { ...this.slots, room: this.#roomLeft() };
  }

  /** Whether there is what it needs beside a slot. */
  fits(need: Need | null, now: number): boolean {
    const { availableMb = 0, diskBusy = false } = this.slots;
    const wants = takes(need);
    return !(diskBusy && wants.io && !this.#ownDisk(now)) && this.#promises.fits(wants, availableMb, now);
  }

  /** The same, and it is known: what it has was measured. */
  has(need: Need | null, now: number): boolean {
    return (this.slots.availableMb ?? 0) > 0 && this.fits(need, now);
  }

  /** This host for a plan. @param usualMs - that programs of which nothing is known are expected to take */
  place(speed: number, usualMs: number, now: number): Place {
    const { taken, beside = 0, room, closed = false, diskBusy = false, availableMb = 0 } = this.slots;
    const total = this.slots.total + (this.slots.sleeping ?? 0);
    const ours = [...this.#running.values()];
    const others = Math.max(0, Math.min(total, taken + beside - ours.length));
    const other = { memoryMb: 0, io: false, endsAt: now + usualMs };
    const open = !closed && (!diskBusy || this.#ownDisk(now));
    let memoryMb = this.#promises.leftMb(availableMb, now);
    for (const one of ours) memoryMb += one.memoryMb;
    return {
      host: "",
      speed,
      slots: open ? total : 0,
      besides: open && room > 0,
      memoryMb,
      disk: open && (!diskBusy || this.#ownDisk(now)),
      running: [...ours, ...Array.from({ length: others }, () => other)],
    };
  }

  #roomLeft(): number {
    return this.#room > 0 ? this.#room : Math.max(0, this.#crowdMax - this.#crowd.size);
  }

  /** Where those that have the slots only wait for something, others may run: as many as they leave CPUs idle. */
  #idle({ taken, total, room, beside = 0, sleeping = 0 }: HomeSlots, now: number): number {
    if (sleeping === 0) return 0;
    // When the table has no words left, those that were started lately may be in none; later they show in the load.
    const lately = [...this.#running.values()].filter(({ since }) => now - since < measuredMs);
    return total + sleeping - taken - beside - (room <= 0 ? lately.length : 0);
  }

  /** What its disk does, or did just now, is ours. */
  #ownDisk(now: number): boolean {
    return now < this.#diskAt + diskMs || [...this.#running.values()].some(({ io }) => io);
  }
}
