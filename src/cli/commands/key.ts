/** pants key new: a secret for a new cluster. */
import { loadConfig } from "../../io/config.js";
import { writeNewKey } from "../../io/key-file.js";
import { configFile } from "../../io/paths.js";
import { CommandError, print } from "./support.js";

const reasons: Readonly<Record<string, string>> = {
  EEXIST: "exists already: hosts may be using it. Remove it first if you want a new key",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EROFS: "the file system is read-only",
  ENOSPC: "no space left on the file system",
  ENOTDIR: "a part of its path is not a directory",
};

/** Writes a new key to `file`, or to where the configuration says. */
export function keyNew(options: { file?: string | undefined; json?: boolean | undefined }): void {
  const file = options.file ?? loadConfig(configFile()).cluster.key_file;
  try {
    writeNewKey(file);
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    throw new CommandError(`${file}: ${reasons[code] ?? message}`);
  }
  if (options.json) print(JSON.stringify({ file }));
  else print(`${file}: new key. Copy it, readable by pantsd's user only, to every host of the cluster.`);
}
