/** This host as a job that waits sees it: is it busy, are slots free? */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { decodeState, isFresh, STATE_SIZE, type State } from "../io/layout.js";
import { native } from "../io/native.js";
import { slotsFile, stateFile } from "../io/paths.js";

/** Files are looked at again after, ms: pantsd may have made others. */
const LOOK_MS = 1000;

let latest: State | null = null;

/** The state record as last read. */
export const latestState = (): State | null => latest;

export interface SlotsHere {
  /** That a waiting job may take now: none while this host is busy. */
  readonly free: number;
  readonly taken: number;
}

export class LocalHost {
  private inode = 0;
  private lookedAt = Number.NEGATIVE_INFINITY;
  private readonly bytes = Buffer.alloc(STATE_SIZE);

  constructor(private readonly runtime: string) {
    this.openTable();
  }

  look(): SlotsHere {
    this.openTable();
    this.readState();
    if (this.inode === 0) return { free: 0, taken: 0 };
    const { taken } = native.slotCounts();
    const usable = latest !== null && !latest.busy && isFresh(latest, native.bootTimeNs());
    return { free: usable ? Math.max(native.tableTotal() - taken, 0) : 0, taken };
  }

  private openTable(): void {
    const now = performance.now();
    if (now - this.lookedAt < LOOK_MS) return;
    this.lookedAt = now;
    const path = slotsFile(this.runtime);
    const inode = statSync(path, { throwIfNoEntry: false })?.ino ?? 0;
    if (inode === this.inode) return;
    if (this.inode !== 0) native.tableClose();
    this.inode = inode !== 0 && native.tableOpen(path, 0, 0o666) >= 0 ? inode : 0;
  }

  private readState(): void {
    try {
      const fd = openSync(stateFile(this.runtime), "r");
      const n = readSync(fd, this.bytes, 0, STATE_SIZE, 0);
      closeSync(fd);
      latest = decodeState(this.bytes.subarray(0, n)) ?? latest;
    } catch {
      latest = null;
    }
  }
}
