/** Bytes on their way from one descriptor to another that are not looked at: the kernel hands their pages on. */
import { Buffer } from "node:buffer";
import { native } from "./native.js";
import { Room } from "./room.js";

/** What fits into the pipe, if we may have so much. */
const SIZE = 256 * 1024;
const EAGAIN = -11;

export class Transit {
  /** Bytes that wait. */
  held = 0;
  private readonly room = new Room();
  private ends: readonly [out: number, into: number] | undefined;

  /** Lets bytes come, when nothing is held. @param move - puts bytes into a pipe. @returns what that returned */
  fill(move: (into: number) => number): number {
    if (this.ends === undefined) {
      this.ends = native.pipe();
      this.room.widen(this.ends[1], SIZE);
    }
    const n = move(this.ends[1]);
    this.held = Math.max(n, 0);
    return n;
  }

  /** Hands on what it can. @returns 0, or -errno when `to` cannot be written this way: `rest` has what is left */
  drain(to: number): number {
    while (this.held > 0 && this.ends !== undefined) {
      const n = native.splice(this.ends[0], to, this.held);
      if (n === EAGAIN) return 0;
      if (n <= 0) return n;
      this.held -= n;
    }
    return 0;
  }

  /** What is held, to be looked at after all. */
  rest(): Buffer {
    const bytes = Buffer.allocUnsafe(this.held);
    let at = 0;
    while (at < bytes.length && this.ends !== undefined) {
      const n = native.readOwn(this.ends[0], bytes.subarray(at));
      if (n <= 0) break;
      at += n;
    }
    this.held = 0;
    return bytes.subarray(0, at);
  }

  close(): void {
    for (const fd of this.ends ?? []) native.close(fd);
    this.ends = undefined;
    this.held = 0;
    this.room.end();
  }
}
