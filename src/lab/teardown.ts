/** Taking a lab down: the same steps for its owner, for its guard, and for whoever finds the remains. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../io/paths.js";
import { cgroupPids, labsWithCgroups, removeCgroups } from "./cgroup.js";
import { LabError } from "./command.js";
import { endAll, pidsMarked, startTime } from "./processes.js";
import { until } from "./wait.js";

/** What a lab's folder says of it, in lab.json. */
export interface LabRecord {
  readonly id: string;
  readonly owner: { readonly pid: number; readonly start: number };
}

const PREFIX = "pants-lab-";

/** Folder of a lab. */
export const labFolder = (id: string): string => join(tmpdir(), PREFIX + id);

/** Ends every process of a lab and removes what it made. Doing it again, or twice at once, does no harm. */
export async function teardown(id: string, folder: string): Promise<void> {
  const all = (): number[] => [...new Set([...cgroupPids(id), ...pidsMarked(`${id}/`)])];
  await endAll(`the processes of lab ${id}`, () => all().filter((pid) => pid !== process.pid), 20_000);
  await until(`the control groups of lab ${id} to be empty`, () => removeCgroups(id));
  rmSync(folder, { recursive: true, force: true });
}

/**
 * A process that waits for its owner to end, however it ends, and then takes the lab down. It has a session of its
 * own, so that what kills the owner does not kill it. Call the answer when the lab is down.
 */
export function startGuard(id: string, folder: string): () => void {
  const script = join(packageRoot, "dist", "cli", "pants-lab.js");
  if (!existsSync(script)) throw new LabError(`${script} is missing: run \`make\` first`);
  const wait = 'read -r word || exec "$@"';
  const argv = ["-c", wait, "sh", process.execPath, script, "guard", id, folder];
  const guard = spawn("sh", argv, {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    cwd: "/",
  });
  guard.unref();
  const pipe = guard.stdin;
  if (pipe instanceof Socket) pipe.unref();
  return () => {
    pipe.end("down\n");
  };
}

/** Labs whose owner is dead. */
export function deadLabs(): { id: string; folder: string }[] {
  const folders = readdirSync(tmpdir()).filter((name) => /^pants-lab-[0-9a-f]{8}$/.test(name));
  const ids = new Set([...folders.map((name) => name.slice(PREFIX.length)), ...labsWithCgroups()]);
  return [...ids].map((id) => ({ id, folder: labFolder(id) })).filter(({ folder }) => !ownerLives(folder));
}

function ownerLives(folder: string): boolean {
  try {
    const { owner } = JSON.parse(readFileSync(join(folder, "lab.json"), "utf8")) as LabRecord;
    return owner.start !== 0 && startTime(owner.pid) === owner.start;
  } catch {
    return false;
  }
}
