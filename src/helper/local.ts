/** This host as a job that waits sees it: is it busy, are slots free? */
import { statSync } from "node:fs";
import { type Cause, diskCauses } from "../core/policy/policy.js";
import { indexName, type State } from "../io/layout.js";
import { native } from "../io/native.js";
import { slotsFile } from "../io/paths.js";
import { StateReader } from "../io/state-reader.js";
import type { HomeSlots } from "./wait-model.js";

/** Files are looked at again after, ms: pantsd may have made others. */
const LOOK_MS = 1000;

/** Nobody counts slots here, so nothing is to be had and nothing is bounded. */
const UNCOUNTED: HomeSlots = { free: 0, taken: 0, total: 1, room: Number.POSITIVE_INFINITY };

export class LocalHost {
  private inode = 0;
  private lookedAt = Number.NEGATIVE_INFINITY;
  /** As last read, or null, and when. */
  private record: State | null = null;
  private readAt = Number.NEGATIVE_INFINITY;
  private readonly slots: string;
  private readonly state: StateReader;

  constructor(runtime: string) {
    this.slots = slotsFile(runtime);
    this.state = new StateReader(runtime);
    this.openTable();
  }

  /** The state record as last read. */
  get latest(): State | null {
    return this.state.latest;
  }

  /** @param maxAgeMs - the state record may have been read so long ago */
  look(maxAgeMs = 0): HomeSlots {
    this.openTable();
    const state = this.readState(maxAgeMs);
    if (this.inode === 0) return UNCOUNTED;
    const { taken, beside, besideTotal } = native.slotCounts();
    const total = native.tableTotal();
    const left = Math.max(0, total - taken);
    const free = state !== null && !state.busy ? left : 0;
    const room = left + Math.max(0, besideTotal - beside);
    const cause = state?.busy === true ? (indexName(state.index) as Cause) : null;
    const diskBusy = cause !== null && diskCauses.has(cause);
    const closed = cause !== null && !diskBusy && cause !== "room";
    const sleeping = state?.busy === false ? state.sleeping : 0;
    const { availableMb = 0 } = state ?? {};
    return { free, taken, total, room, beside, sleeping, availableMb, diskBusy, closed };
  }

  private readState(maxAgeMs: number): State | null {
    const now = performance.now();
    if (now - this.readAt < maxAgeMs) return this.record;
    this.readAt = now;
    this.record = this.state.read();
    return this.record;
  }

  private openTable(): void {
    const now = performance.now();
    if (now - this.lookedAt < LOOK_MS) return;
    this.lookedAt = now;
    const inode = statSync(this.slots, { throwIfNoEntry: false })?.ino ?? 0;
    if (inode === this.inode) return;
    if (this.inode !== 0) native.tableClose();
    this.inode = inode !== 0 && native.tableOpen(this.slots, 0, 0o666) >= 0 ? inode : 0;
  }
}
