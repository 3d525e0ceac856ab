/** pants key show: which keys there are, by their ids, and which of them are in use. Secrets are never shown. */
import { askPantsd, NoAnswer } from "../../io/control-client.js";
import { type KeyEntry, KeyError, parseKeys, readPrivate } from "../../io/key.js";
import { pantsdSocket, runtimeDir } from "../../io/paths.js";
import type { HostStatus, KeyUse } from "../../wire/control.js";
import { keyId, keyIdWords } from "../../wire/keyring.js";
import { type KeyOptions, keyFile } from "./key.js";
import { CommandError, print, printJson } from "./support.js";
import { table } from "./table.js";

interface Shown {
  readonly id: string;
  readonly role: string;
  /** Other hosts that lately signed with it; null where that is not known. */
  readonly hosts: number | null;
}

/** The id of a key as people see it. */
export const idOf = (secret: Buffer): string => keyIdWords(keyId(secret));

/** The keys of a file. @throws {CommandError} */
export function readKeys(file: string): { text: string; entries: KeyEntry[] } {
  try {
    const text = readPrivate(file);
    return { text, entries: parseKeys(text, file) };
  } catch (error) {
    throw error instanceof KeyError ? new CommandError(error.message) : error;
  }
}

/** This host's pantsd; null when none answers. */
export async function runningPantsd(): Promise<HostStatus | null> {
  try {
    const reply = await askPantsd(pantsdSocket(runtimeDir()), { t: "status", id: 1 });
    return reply.t === "status" ? reply.status : null;
  } catch (error) {
    if (error instanceof NoAnswer) return null;
    throw error;
  }
}

function role({ mark }: KeyEntry, index: number): string {
  const is = index === 0 ? "signs" : "accepted";
  return mark === "" ? is : `${is} (${mark})`;
}

/** What is to be done next, as far as the file tells. */
function advice(entries: readonly KeyEntry[]): string {
  if (entries.length === 1) return "To change the key: pants key rotate";
  if (entries[1]?.mark === "next")
    return "When every host has this file: pants key rotate, and the next key signs";
  if (entries[1]?.mark === "old")
    return "When no host signs with the old key any more: pants key rotate, and it is dropped";
  return "";
}

/** Shows the keys of the file, and how far the hosts are with them. */
export async function keyShow(options: KeyOptions): Promise<void> {
  const file = keyFile(options);
  const { entries } = readKeys(file);
  const status = await runningPantsd();
  const used: readonly KeyUse[] = status?.keys ?? [];
  const ids = entries.map((entry) => idOf(entry.secret));
  const keys: Shown[] = entries.map((entry, index) => {
    const id = ids[index] ?? "";
    return { id, role: role(entry, index), hosts: used.find((use) => use.id === id)?.hosts ?? null };
  });
  const inForce = used.map((use) => use.id);
  const taken = status ? inForce.join() === ids.join() : null;
  if (options.json) {
    printJson({ file, keys, pantsd: status ? { host: status.host, leader: status.leader, taken } : null });
    return;
  }
  print(file);
  const rows = keys.map(({ id, role: is, hosts }) => [id, is, hosts === null ? "-" : String(hosts)]);
  print(table(["KEY", "ROLE", ">HOSTS"], rows));
  if (!status) print("No pantsd answers here: which keys the hosts use is not known.");
  else if (!taken) print(`pantsd has not taken this file: it uses ${inForce.join(", ")}. See pants status.`);
  else print(whereHeard(status));
  const next = advice(entries);
  if (next !== "") print(next);
}

function whereHeard({ host, leader }: HostStatus): string {
  const counted = "HOSTS: others that signed with it when last heard, within a minute";
  if (leader === host) return `${counted}.`;
  const where = leader === "" ? "the leader" : leader;
  return `${counted}, by this host. Only ${where === leader ? `the leader (${leader})` : where} hears every host: look there.`;
}
