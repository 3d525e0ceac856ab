/**
 * A file that home puts into a directory, so that an agent can tell whether it has the same directory; and to which both
 * write a byte, so that each can tell whether it sees what the other one writes, or what some cache holds.
 */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { native } from "./native.js";

const NAME = /^\.pants-[0-9a-f]{16,64}$/;
const NAME_BYTES = 12;
/** More than is ever written to one. */
const BYTES_MAX = 16;

export interface Token {
  readonly name: Buffer;
  readonly path: Buffer;
}

/** An empty one. Undefined where we may not write. */
export function createToken(directory: Buffer): Token | undefined {
  const token = tokenAt(directory, Buffer.from(`.pants-${randomBytes(NAME_BYTES).toString("hex")}`));
  try {
    if (token !== undefined) closeSync(openSync(token.path, "wx", 0o600));
    return token;
  } catch {
    return undefined;
  }
}

/** One that somebody else has made, if such a name can be one's; it may not be there. */
export function tokenAt(directory: Buffer, name: Buffer): Token | undefined {
  if (!NAME.test(name.toString("latin1"))) return undefined;
  return { name, path: Buffer.concat([directory, Buffer.from("/"), name]) };
}

export function tokenExists({ path }: Token): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
  } catch {
    return false;
  }
}

export function removeToken({ path }: Token): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody was faster.
  }
}

/** Writes its next byte. False: it could not be, or is another file by now. */
export function lengthenToken({ path }: Token, length: number): boolean {
  try {
    const fd = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(fd);
      if (!stat.isFile() || stat.nlink !== 1 || stat.size > BYTES_MAX) return false;
      return writeSync(fd, "x", length) === 1;
    } finally {
      closeSync(fd); // to the server, or it says why not
    }
  } catch {
    return false;
  }
}

/** Whether all of it is seen here, by name and, if we may, by reading. */
export function tokenHas({ path }: Token, length: number): boolean {
  if (native.sizeNow(path) !== length) return false;
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      return readSync(fd, Buffer.alloc(BYTES_MAX)) === length;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EACCES";
  }
}
