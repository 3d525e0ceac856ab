/** The cluster key's file: making one, replacing one, and telling what is wrong with one. */
import { randomBytes } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { KeyError, loadKeys } from "./key.js";

const keyBytes = 32;
const privateMode = 0o600;

/** A new key as it stands in a file. */
export function newKey(): string {
  return randomBytes(keyBytes).toString("hex");
}

/** Writes a new key (64 hex digits, mode 0600) to a file that must not exist yet. */
export function writeNewKey(file: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeWhole(file, `${newKey()}\n`);
}

/**
 * Puts another text into a key file: whole and on the disk, or not at all. It stays its owner's; a symbolic link to it
 * stays one.
 */
export function replaceKeyFile(file: string, text: string): void {
  const path = realpathSync(file);
  const temporary = `${path}.${process.pid}.tmp`;
  writeWhole(temporary, text, statSync(path));
  try {
    renameSync(temporary, path);
  } catch (error) {
    unlinkSync(temporary);
    throw error;
  }
  const folder = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Makes a private file that did not exist; nothing is left of it when that fails. */
function writeWhole(
  file: string,
  text: string,
  owner?: { readonly uid: number; readonly gid: number },
): void {
  const fd = openSync(file, "wx", privateMode);
  try {
    fchmodSync(fd, privateMode);
    const own = fstatSync(fd);
    if (owner && (own.uid !== owner.uid || own.gid !== owner.gid)) fchownSync(fd, owner.uid, owner.gid);
    writeFileSync(fd, text);
    fsyncSync(fd);
  } catch (error) {
    unlinkSync(file);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** What a user should know about the key's file; none when it is in order, or not for this user's eyes. */
export function keyWarnings(file: string): string[] {
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EACCES") return [];
  }
  try {
    loadKeys(file);
    return [];
  } catch (error) {
    if (error instanceof KeyError) return [error.message];
    throw error;
  }
}
