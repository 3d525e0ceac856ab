/** The runtime directory of a pantsd, and the lock that keeps it to one. */
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { native } from "./native.js";
import { pantsdSocket, stateFile } from "./paths.js";

/** The directory cannot be used, in one line for the user. */
export class RuntimeDirError extends Error {}

const errnoAgain = 11;

/** Modes: everyone may use root's daemon; a user's own is private. */
export function modes(): { dir: number; users: number; socket: number; table: number } {
  return process.getuid?.() === 0
    ? { dir: 0o755, users: 0o1777, socket: 0o666, table: 0o666 }
    : { dir: 0o700, users: 0o700, socket: 0o600, table: 0o600 };
}

/** Makes the directory and takes its lock, held until this process ends. @throws {RuntimeDirError} */
export function claimRuntimeDir(dir: string): void {
  const { dir: own, users } = modes();
  try {
    mkdirSync(dir, { recursive: true, mode: own });
    mkdirSync(join(dir, "users"), { recursive: true });
    chmodSync(join(dir, "users"), users); // beyond the umask
  } catch (error) {
    throw new RuntimeDirError(`runtime directory ${dir}: ${(error as Error).message}`);
  }
  const lock = native.lockFile(join(dir, "pantsd.lock"));
  if (lock === -errnoAgain) throw new RuntimeDirError(`another pantsd runs in ${dir}`);
  if (lock < 0) throw new RuntimeDirError(`${join(dir, "pantsd.lock")}: cannot be locked: errno ${-lock}`);
  sweepRuntimeDir(dir);
}

/** Removes what only a running pantsd has. */
export function sweepRuntimeDir(dir: string): void {
  rmSync(stateFile(dir), { force: true });
  rmSync(pantsdSocket(dir), { force: true });
}
