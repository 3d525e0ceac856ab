/** The cluster key: hex digits in a file that only pantsd's user may read. */
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";

const secretBytesMin = 32;

/** A key file that cannot be used, in one line for the user. */
export class KeyError extends Error {}

/**
 * Reads the keys of a file, one a line: the first signs, all are accepted.
 * @throws {KeyError} when it is missing, open to others, not hex, or shorter than 32 bytes.
 */
export function loadKeys(file: string): Buffer[] {
  const lines = readPrivate(file).split(/\s+/).filter(Boolean);
  if (lines.length === 0) throw new KeyError(`key file ${file} is empty: make one with pants key new`);
  return lines.map((line) => {
    if (!/^([0-9a-fA-F]{2})+$/.test(line)) throw new KeyError(`key file ${file}: not hex digits in pairs`);
    const secret = Buffer.from(line, "hex");
    if (secret.length < secretBytesMin) {
      const [has, needs] = [secret.length, secretBytesMin];
      throw new KeyError(`key file ${file}: the key has ${has} bytes, ${needs} are needed`);
    }
    return secret;
  });
}

function readPrivate(file: string): string {
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
    return readFileSync(fd, "latin1");
  } finally {
    closeSync(fd);
  }
}
