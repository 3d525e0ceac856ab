/**
 * Pipes that hold more, within bounds: what all pipes of a user hold is limited (/proc/sys/fs/pipe-user-pages-soft, 64 MiB as
 * shipped), and beyond that every new pipe of theirs, whoever's it is, holds two pages.
 */
import { native } from "./native.js";

/** What a pipe holds through which much streams, if we may have so much. */
export const STREAMING_PIPE = 1024 * 1024;
/** What the pipes that this process has made larger hold together, at most. */
const MOST = 16 * 1024 * 1024;

let lent = 0;

/** Room in one pipe, until that is closed or left to others. */
export class Room {
  private bytes = 0;
  private refused = false;

  /** Makes the pipe hold so much, if there is any left; a socket's is its own. */
  widen(fd: number, bytes: number): void {
    if (this.bytes > 0 || this.refused || lent + bytes > MOST) return;
    this.refused = native.widen(fd, bytes) < bytes;
    if (this.refused) return;
    this.bytes = bytes;
    lent += bytes;
  }

  /** Leaves it to others. */
  end(): void {
    lent -= this.bytes;
    this.bytes = 0;
  }
}
