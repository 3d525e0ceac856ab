/**
 * A change of the cluster's key in three steps, each of which every host must have before the next: a new key is
 * accepted; it signs, and the old one is still accepted; the old one is gone. Between any two neighbouring steps all
 * hosts understand each other.
 */
import { type KeyEntry, KeyError } from "./key.js";

/** What the text of a key file is before the next step, and what becomes of it. */
export interface Rotation {
  readonly step: 1 | 2 | 3;
  readonly text: string;
  /** The key that came, now signs, or was dropped. */
  readonly key: Buffer;
  /** Step 2: the key that signed until then. */
  readonly old?: Buffer;
}

/**
 * The next step for a file.
 * @param fresh the key that step 1 brings, in hex
 * @throws {KeyError} when the file's keys are not those of a rotation
 */
export function rotate(text: string, entries: readonly KeyEntry[], fresh: string, file: string): Rotation {
  const [first, second] = entries;
  const lines = text.split("\n").map((line) => line.trimEnd());
  if (lines.at(-1) === "") lines.pop();
  const done = (step: Rotation["step"], key: Buffer) => ({ step, text: `${lines.join("\n")}\n`, key });
  if (first && !second) {
    lines.push(`${fresh} # next`);
    return done(1, Buffer.from(fresh, "hex"));
  }
  if (first?.mark === "" && second && entries.length === 2) {
    if (second.mark === "next") {
      lines[first.line - 1] = second.hex;
      lines[second.line - 1] = `${first.hex} # old`;
      return { ...done(2, second.secret), old: first.secret };
    }
    if (second.mark === "old") {
      lines.splice(second.line - 1, 1);
      return done(3, second.secret);
    }
  }
  throw new KeyError(
    `key file ${file} has ${entries.length} keys that no rotation left: keep one key, or put '# next' (not yet` +
      " signing) or '# old' (signing no more) behind the second of two",
  );
}
