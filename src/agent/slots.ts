/** The right to run a guest here: this host's slot table, and pantsd, who is told at once. */
import { statSync } from "node:fs";
import { Promises } from "../core/kinds/promises.js";
import { native } from "../io/native.js";
import { PantsdClient } from "../io/pantsd-client.js";
import { pantsdSocket, slotsFile } from "../io/paths.js";
import { StateReader } from "../io/state-reader.js";

/** The table's file is looked at again after, ms: pantsd may have made another. */
const LOOK_MS = 1000;
/** pantsd is not told more often, ms: it tells the leader each time, which costs more than a short job. */
const TELL_MS = 10;

export class Slots {
  private readonly file: string;
  private readonly pantsd: PantsdClient;
  private inode = 0;
  private lookedAt = Number.NEGATIVE_INFINITY;
  private telling = false;
  private toldAt = Number.NEGATIVE_INFINITY;
  private readonly state: StateReader;
  private readonly promises = new Promises();

  constructor(runtime: string) {
    this.file = slotsFile(runtime);
    this.state = new StateReader(runtime);
    this.pantsd = new PantsdClient(pantsdSocket(runtime), { reply: () => undefined, gone: () => undefined });
  }

  /** Memory for one more job beside those let in since it was measured, MiB; Infinity when not known. */
  leftMb(): number {
    return this.promises.leftMb(this.state.read()?.availableMb ?? 0, performance.now());
  }

  /** A job of so many MiB has been started. */
  begun(pid: number, memoryMb: number): void {
    this.promises.begun(pid, { memoryMb, io: false }, performance.now());
  }

  /** A pending slot's index; -1 = all taken; undefined = no table, so no pantsd runs on this host. */
  take(): number | undefined {
    if (!this.open()) return undefined;
    return native.slotTake(true);
  }

  /** Gives a slot back that no program got. */
  giveBack(index: number): void {
    if (index >= 0) native.slotRelease(index);
  }

  /** The program with this pid has ended. */
  ended(pid: number): void {
    this.promises.ended(pid, this.state.latest?.availableMb ?? 0);
    if (this.inode !== 0) native.slotReleasePid(pid);
    this.changed();
  }

  /** Tells pantsd that a slot was taken or given back: once for all changes of a turn, and again after TELL_MS. */
  changed(): void {
    if (this.telling || this.inode === 0) return;
    this.telling = true;
    const waitMs = this.toldAt + TELL_MS - performance.now();
    if (waitMs <= 0) setImmediate(() => this.tell());
    else setTimeout(() => this.tell(), waitMs);
  }

  private tell(): void {
    this.telling = false;
    this.toldAt = performance.now();
    this.pantsd.send({ t: "slots" });
  }

  private open(): boolean {
    const now = performance.now();
    if (now - this.lookedAt < LOOK_MS) return this.inode !== 0;
    this.lookedAt = now;
    const inode = statSync(this.file, { throwIfNoEntry: false })?.ino ?? 0;
    if (inode !== this.inode) {
      if (this.inode !== 0) native.tableClose();
      this.inode = inode !== 0 && native.tableOpen(this.file, 0, 0o666) >= 0 ? inode : 0;
    }
    return this.inode !== 0;
  }
}
