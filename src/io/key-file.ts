/** The cluster key's file: making one, and telling what is wrong with one. */
import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, mkdirSync, openSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";

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

/** What a user should know about the key's file, one line each; none when it is in order. */
export function keyWarnings(file: string): string[] {
  let stat: ReturnType<typeof statSync>;
  try {
    stat = statSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EACCES") return [];
    if (code === "ENOENT")
      return [`${file}: no key: make one with 'pants key new' and copy it to every host`];
    return [`${file}: ${code ?? String(error)}`];
  }
  const warnings: string[] = [];
  if (!stat.isFile()) warnings.push(`${file}: is not a regular file`);
  else if (stat.size < KEY_BYTES)
    warnings.push(`${file}: a key has ${KEY_BYTES} bytes or more, this has ${stat.size}`);
  if (stat.mode & 0o077) warnings.push(`${file}: others may read or write the key: 'chmod 600 ${file}'`);
  return warnings;
}
