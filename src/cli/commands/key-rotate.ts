/** pants key rotate: the next of three steps from one key of the cluster to another, without a break. */
import { KeyError } from "../../io/key.js";
import { newKey, replaceKeyFile } from "../../io/key-file.js";
import { type Rotation, rotate } from "../../io/key-rotate.js";
import { cannotWrite, type KeyOptions, keyFile } from "./key.js";
import { idOf, readKeys, runningPantsd } from "./key-show.js";
import { CommandError, print, printJson } from "./support.js";

export interface RotateOptions extends KeyOptions {
  /** Drop the old key though hosts still sign with it. */
  readonly force?: boolean | undefined;
}

/** Takes the next step with the key file, which then has to be copied to every host. */
export async function keyRotate(options: RotateOptions): Promise<void> {
  const file = keyFile(options);
  const { text, entries } = readKeys(file);
  let rotation: Rotation;
  try {
    rotation = rotate(text, entries, newKey(), file);
  } catch (error) {
    throw error instanceof KeyError ? new CommandError(error.message) : error;
  }
  const id = idOf(rotation.key);
  if (rotation.step === 3 && !options.force) await refuseWhileUsed(id);
  try {
    replaceKeyFile(file, rotation.text);
  } catch (error) {
    throw cannotWrite(file, error);
  }
  if (options.json) printJson({ file, step: rotation.step, key: id });
  else print(words(file, rotation, id));
}

/**
 * Whoever still signs with the old key would not be heard any more. Only the leader's host hears all of them all the
 * time; what another one heard a while ago says nothing of now. @throws {CommandError}
 */
async function refuseWhileUsed(id: string): Promise<void> {
  const status = await runningPantsd();
  if (status?.role !== "leader") return;
  const hosts = status.keys.find((use) => use.id === id)?.hosts ?? 0;
  if (hosts === 0) return;
  throw new CommandError(
    `${hosts === 1 ? "one host" : `${hosts} hosts`} signed with the old key ${id} within the last minute: copy the file` +
      " there first (pants key show counts them). To drop the key all the same: pants key rotate --force",
  );
}

function words(file: string, { step, old }: Rotation, id: string): string {
  const what = {
    1: `Step 1 of 3: the new key ${id} is accepted, and does not sign yet.`,
    2: `Step 2 of 3: the new key ${id} signs; the old one${old ? `, ${idOf(old)},` : ""} is still accepted.`,
    3: `Step 3 of 3: the old key ${id} is dropped.`,
  }[step];
  const then = {
    1: "When every host has it, run pants key rotate here again: then the new key signs.",
    2: "When every host has it, and pants key show on the leader counts no host under the old key, run\npants key rotate here again: then the old key is dropped.",
    3: "That was the last step.",
  }[step];
  return [
    what,
    `Now copy ${file} to the same place on every other host, mode 0600: scp -p ${file} HOST:${file}`,
    "pantsd takes a changed key file by itself within 3 s (at once on SIGHUP); pants status there says if it refused it.",
    then,
  ].join("\n");
}
