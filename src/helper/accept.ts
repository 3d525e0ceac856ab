/** The socket that stand-ins come to: made once per user, and only for that user. */
import { mkdirSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { IN, native } from "../io/native.js";
import type { Groups } from "./groups.js";
import { StandIn, type StandInEvents } from "./standin.js";

/** prexd cannot serve, in one line. */
export class CannotServe extends Error {}

/**
 * Makes this process the user's only prexd.
 * @returns what to close in order to be it no longer; undefined: another one runs already
 * @throws {CannotServe}
 */
export function becomeTheOne(directory: string, uid: number): number | undefined {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const stat = statSync(directory);
    if (stat.uid !== uid) throw new CannotServe(`${directory} belongs to uid ${stat.uid}, not to ${uid}`);
    if ((stat.mode & 0o077) !== 0) throw new CannotServe(`${directory} is open to others: chmod 700 it`);
  } catch (error) {
    if (error instanceof CannotServe) throw error;
    throw new CannotServe(`${directory}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const lock = native.lockFile(join(directory, "prexd.lock"));
  if (lock === -11) return undefined;
  if (lock < 0) throw new CannotServe(`${join(directory, "prexd.lock")} cannot be locked (errno ${-lock})`);
  return lock;
}

/**
 * Listens for stand-ins of the same user.
 * @returns what to call to listen no longer: who comes then finds nobody
 * @throws {CannotServe}
 */
export function accept(directory: string, uid: number, groups: Groups, events: StandInEvents): () => void {
  const listener = listen(directory, "prexd.sock");
  const heldUp = listen(directory, "held-up.sock");
  native.vigilListen(heldUp);
  const welcome = (): void => {
    for (let fd = native.accept(listener); fd >= 0; fd = native.accept(listener)) {
      const peer = native.peerCred(fd);
      if (peer?.uid !== uid) {
        native.close(fd);
        continue;
      }
      new StandIn(fd, peer.pid, groups.has(peer), events);
    }
  };
  native.watch(listener, IN, welcome);
  return () => {
    welcome(); // who has come already
    native.unwatch(listener);
    native.close(listener);
    native.vigilListen(-1);
    native.close(heldUp);
  };
}

function listen(directory: string, name: string): number {
  const path = join(directory, name);
  try {
    unlinkSync(path); // we hold the lock, so whoever made it is gone
  } catch {
    // it was not there
  }
  const listener = native.listenUnix(path, 0o600);
  if (listener < 0) throw new CannotServe(`${path} cannot be made (errno ${-listener})`);
  return listener;
}
