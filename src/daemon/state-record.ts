/** Keeps the state record true: written every interval, and at once when what the shim decides by has changed. */
import type { StateContent, StateFile } from "../io/state-file.js";

/** A time after which remote help is worth asking for that moved by less than this is not news. */
const afterSlackNs = 20_000_000n;

export class StateRecord {
  #written: StateContent | null = null;

  constructor(private readonly file: StateFile) {}

  /** `due`: an interval has ended, so the record must be renewed. */
  update(content: StateContent, due: boolean): void {
    if (!due && this.#written && !changed(this.#written, content)) return;
    this.file.write(content);
    this.#written = content;
  }
}

function changed(a: StateContent, b: StateContent): boolean {
  if (a.busy !== b.busy || a.remote !== b.remote || a.slotsTotal !== b.slotsTotal) return true;
  if (a.intervalMs !== b.intervalMs) return true;
  const moved = a.remoteAfterNs - b.remoteAfterNs;
  return !b.remote && (moved > afterSlackNs || moved < -afterSlackNs);
}
