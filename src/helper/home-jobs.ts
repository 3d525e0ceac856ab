/** Jobs that were told to run here, and this host beside them. Pure. */
import { type Need, takes } from "../core/kinds/need.js";
import { Promises } from "../core/kinds/promises.js";
import { Pace } from "./pace.js";
import type { Booked, Place } from "./timeline.js";
import { type HomeSlots, hereMs } from "./wait-model.js";

/** A job that was told to run here shows in the slots after so long, ms. */
const shownMs = 1000;
/** A disk is idle again so long after a job that lived by it, though it still counts as busy, ms. */
const diskMs = 5000;

/** What a plan is made of. */
const shown = ["free", "taken", "total", "room", "beside", "closed", "diskBusy", "availableMb"] as const;

interface Running extends Booked {
  readonly since: number;
}

export class HomeJobs {
  /** As last looked at. */
  slots: HomeSlots = { free: 0, taken: 0, total: 1, room: Number.POSITIVE_INFINITY };
  /** How much longer jobs take here than they should. */
  readonly pace = new Pace();
  readonly #running = new Map<number, Running>();
  readonly #promises = new Promises();
  #diskAt = Number.NEGATIVE_INFINITY;

  /** @returns whether that changes a plan */
  looked(slots: HomeSlots, now: number): boolean {
    const before = this.slots;
    this.slots = slots;
    // An end that nobody told us of: the oldest has had the most time for it.
    for (const [id, { since }] of this.#running) {
      if (this.#running.size <= slots.taken + (slots.beside ?? 0) || now - since < shownMs) break;
      this.#running.delete(id);
    }
    return shown.some((one) => slots[one] !== before[one]);
  }

  /** @param ms - that it is expected to take */
  begun(id: number, need: Need | null, ms: number, now: number): void {
    const wants = takes(need);
    this.#promises.begun(id, wants, now);
    this.#running.set(id, { ...wants, since: now, endsAt: now + ms });
    const { free, taken, room } = this.slots;
    if (need) this.pace.begun(id, free > 0 ? ms : hereMs(need, this.slots), now);
    this.slots = {
      ...this.slots,
      free: Math.max(0, free - 1),
      taken: taken + (free > 0 ? 1 : 0),
      room: room - 1,
    };
  }

  ended(id: number, now: number): void {
    if (this.#running.get(id)?.io) this.#diskAt = now;
    this.#running.delete(id);
    this.pace.ended(id, now);
    this.#promises.ended(id, this.slots.availableMb ?? 0);
  }

  /** Whether there is what it needs beside a slot. */
  fits(need: Need | null, now: number): boolean {
    const { availableMb = 0, diskBusy = false } = this.slots;
    const wants = takes(need);
    return !(diskBusy && wants.io && !this.#ownDisk(now)) && this.#promises.fits(wants, availableMb, now);
  }

  /** This host for a plan. @param usualMs - that programs of which nothing is known are expected to take */
  place(speed: number, usualMs: number, now: number): Place {
    const { taken, beside = 0, total, room, closed = false, diskBusy = false, availableMb = 0 } = this.slots;
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

  /** What its disk does, or did just now, is ours. */
  #ownDisk(now: number): boolean {
    return now < this.#diskAt + diskMs || [...this.#running.values()].some(({ io }) => io);
  }
}
