/** pants set: what makes this host busy, changed in the configuration file and in force at once. */
import { indexNames } from "../../core/indices.js";
import { ConfigError } from "../../io/config.js";
import { editConfig, type Value } from "../../io/config-edit.js";
import { askPantsd, NoAnswer } from "../../io/control-client.js";
import { configFile, pantsdSocket, runtimeDir } from "../../io/paths.js";
import { CommandError, print, printJson, UsageError } from "./support.js";

export const policies = ["adaptive", "multi", "cpu"] as const;
/** In place of a number: as the policy has it. */
const byPolicy = "default";

export interface SetOptions {
  readonly json?: boolean | undefined;
}

export async function setPolicy(name: string, options: SetOptions): Promise<void> {
  const policy = policies.find((one) => one === name);
  if (!policy) throw new UsageError(`${name}: no such policy: ${policies.join(", ")}`);
  await change("policy", policy, `policy is ${policy}`, options);
}

export async function setThreshold(index: string, text: string, options: SetOptions): Promise<void> {
  const name = indexNames.find((one) => one === index);
  if (!name) throw new UsageError(`${index}: no such index: ${indexNames.join(", ")}`);
  const value = text === byPolicy ? null : Number(text);
  if (value !== null && !(value > 0 && Number.isFinite(value)))
    throw new UsageError(`${text}: a number above 0, or '${byPolicy}' for what the policy has`);
  await change(name, value, `threshold of ${name} is ${value ?? "as the policy has it"}`, options);
}

async function change(
  key: (typeof indexNames)[number] | "policy",
  value: Value,
  words: string,
  { json }: SetOptions,
): Promise<void> {
  const file = configFile();
  try {
    editConfig(file, "load", key, value);
  } catch (error) {
    if (error instanceof ConfigError) throw new CommandError(error.message);
    throw error;
  }
  const running = await reload();
  if (json) printJson({ file, key: `load.${key}`, value, inForce: running });
  else print(running ? `${words}, from now on` : `${words}, once pantsd runs here (${file})`);
}

/** Has pantsd read its configuration. False when none runs. @throws {CommandError} */
async function reload(): Promise<boolean> {
  try {
    const reply = await askPantsd(pantsdSocket(runtimeDir()), { t: "reload", id: 1 });
    const problem = reply.t === "reloaded" ? reply.problem : "pantsd is of another version: restart it";
    if (problem !== "") throw new CommandError(problem);
    return true;
  } catch (error) {
    if (error instanceof NoAnswer && (error.code === "ENOENT" || error.code === "ECONNREFUSED")) return false;
    throw error instanceof NoAnswer ? new CommandError(`pantsd does not answer: ${error.code}`) : error;
  }
}
