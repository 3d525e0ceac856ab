/** pants key new: a secret for a new cluster. */
import { loadConfig } from "../../io/config.js";
import { writeNewKey } from "../../io/key-file.js";
import { configFile } from "../../io/paths.js";
import { CommandError, print, printJson } from "./support.js";

const reasons: Readonly<Record<string, string>> = {
  EEXIST: "exists already: hosts may be using it. Remove it first if you want a new key",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EROFS: "the file system is read-only",
  ENOSPC: "no space left on the file system",
  EDQUOT: "no space left in your quota",
  EFBIG: "no file may be so large here",
  ENOTDIR: "a part of its path is not a directory",
};

export interface KeyOptions {
  /** Default: where the configuration says. */
  readonly file?: string | undefined;
  readonly json?: boolean | undefined;
}

/** The key file that a command is about. */
export function keyFile({ file }: KeyOptions): string {
  return file ?? loadConfig(configFile()).cluster.key_file;
}

/** A key file that could not be written, in words. */
export function cannotWrite(file: string, error: unknown): CommandError {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return new CommandError(`${file}: ${reasons[code] ?? message}`);
}

/** Writes a new key to a file that is not there yet. */
export function keyNew(options: KeyOptions): void {
  const file = keyFile(options);
  try {
    writeNewKey(file);
  } catch (error) {
    throw cannotWrite(file, error);
  }
  if (options.json) printJson({ file });
  else print(`${file}: new key. Copy it, readable by pantsd's user only, to every host of the cluster.`);
}
