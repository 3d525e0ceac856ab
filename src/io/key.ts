/** The cluster's keys: hex digits, one key a line, in a file that only pantsd's user may read. */
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";

const secretBytesMin = 32;
const keysMax = 8;
const fileBytesMax = 64 * 1024;

/** A key file that cannot be used, in one line for the user. */
export class KeyError extends Error {}

export interface KeyEntry {
  /** Line of the file, from 1. */
  readonly line: number;
  readonly hex: string;
  readonly secret: Buffer;
  /** What `pants key rotate` noted behind it: the key that will sign, or the one that did. */
  readonly mark: "" | "next" | "old";
}

/**
 * Reads the text of a key file: the first key signs, all are accepted; from `#` on a line is a comment.
 * @throws {KeyError} when it holds no key, something else, or a key shorter than 32 bytes.
 */
export function parseKeys(text: string, file: string): KeyEntry[] {
  const entries: KeyEntry[] = [];
  for (const [index, whole] of text.split("\n").entries()) {
    const hash = whole.indexOf("#");
    const hex = (hash < 0 ? whole : whole.slice(0, hash)).trim();
    if (hex === "") continue;
    const [where, comment] = [`key file ${file}, line ${index + 1}`, whole.slice(hash + 1).trim()];
    if (!/^([0-9a-fA-F]{2})+$/.test(hex)) throw new KeyError(`${where}: not hex digits in pairs`);
    const secret = Buffer.from(hex, "hex");
    if (secret.length < secretBytesMin) {
      throw new KeyError(`${where}: the key has ${secret.length} bytes, ${secretBytesMin} are needed`);
    }
    const mark = hash >= 0 && (comment === "next" || comment === "old") ? comment : "";
    entries.push({ line: index + 1, hex, secret, mark });
    if (entries.length > keysMax) throw new KeyError(`${where}: more than ${keysMax} keys`);
  }
  if (entries.length === 0) throw new KeyError(`key file ${file} is empty: make one with pants key new`);
  return entries;
}

/**
 * Reads the keys of a file: the first signs, all are accepted.
 * @throws {KeyError} also when it is missing, or open to others.
 */
export function loadKeys(file: string): Buffer[] {
  return parseKeys(readPrivate(file), file).map((entry) => entry.secret);
}

/** The text of a key file that is in order as a file. @throws {KeyError} */
export function readPrivate(file: string): string {
  let fd: number;
  try {
    fd = openSync(file, "r");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    const hint =
      code === "ENOENT" ? "does not exist: make one with pants key new" : `cannot be read: ${code}`;
    throw new KeyError(`key file ${file} ${hint}`);
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new KeyError(`key file ${file} is not a regular file`);
    if (stat.mode & 0o077) throw new KeyError(`key file ${file} is open to others: chmod 600 ${file}`);
    if (stat.size > fileBytesMax) throw new KeyError(`key file ${file} is none: it has ${stat.size} bytes`);
    return readFileSync(fd, "latin1");
  } catch (error) {
    if (error instanceof KeyError) throw error;
    throw new KeyError(`key file ${file} cannot be read: ${(error as Error).message}`);
  } finally {
    closeSync(fd);
  }
}
