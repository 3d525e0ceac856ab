/** The cluster key's file: making one, and telling what is wrong with one. */
import { randomBytes } from "node:crypto";
import { accessSync, closeSync, constants, fsyncSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { KeyError, loadKeys } from "./key.js";

const KEY_BYTES = 32;

/** Writes a new key (64 hex digits, mode 0600) to a file that must not exist yet. */
export function writeNewKey(file: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const fd = openSync(file, "wx", 0o600);
  try {
    writeSync(fd, `${randomBytes(KEY_BYTES).toString("hex")}\n`);
    fsyncSync(fd);
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
