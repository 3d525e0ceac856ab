/** Where PANTS keeps its files; the C side (native/include/paths.h) finds the same places. */
import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Root of this package: holds bin/, build/Release/, dist/. */
export const packageRoot = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** Of root's daemon, which serves every user of the host. */
export const ROOT_RUNTIME = "/run/pants";
export const ROOT_STATE = "/var/lib/pants";

/**
 * The runtime directory: PANTS_RUNTIME_DIR, else /run/pants where root's daemon lives, else $XDG_RUNTIME_DIR/pants.
 * Root is at home in /run/pants whether or not a daemon is there yet.
 */
export function runtimeDir(env: NodeJS.ProcessEnv = process.env): string {
  if (env["PANTS_RUNTIME_DIR"]) return env["PANTS_RUNTIME_DIR"];
  const uid = process.getuid?.() ?? 0;
  if (uid === 0 || existsSync(stateFile(ROOT_RUNTIME))) return ROOT_RUNTIME;
  return join(env["XDG_RUNTIME_DIR"] ?? `/run/user/${uid}`, "pants");
}

/** The private directory of one user below the runtime directory. */
export function userDir(runtime: string, uid: number): string {
  return join(runtime, "users", String(uid));
}

/** A user's own, of this host: homes are often on a file system that many hosts share, and what is learned is not. */
function userState(env: NodeJS.ProcessEnv): string {
  const base = env["XDG_STATE_HOME"] ?? join(env["HOME"] ?? "/", ".local", "state");
  return join(base, "pants", hostname() || "localhost");
}

/**
 * What PANTS learns and records, kept over restarts: PANTS_STATE_DIR; else, where PANTS_RUNTIME_DIR is set, `kept` below
 * it, so that two daemons on one machine do not share it; else /var/lib/pants for root, and XDG's place for others.
 */
export function stateDir(env: NodeJS.ProcessEnv = process.env): string {
  if (env["PANTS_STATE_DIR"]) return env["PANTS_STATE_DIR"];
  if (env["PANTS_RUNTIME_DIR"]) return join(env["PANTS_RUNTIME_DIR"], "kept");
  if (process.getuid?.() === 0) return ROOT_STATE;
  return userState(env);
}

export const learnedFile = (env?: NodeJS.ProcessEnv): string => join(stateDir(env), "learned.json");

/**
 * What prexd has learned of its user's jobs: with a runtime directory of its own in that user's part of it (`directory`), else
 * where that user keeps state.
 */
export function worksFile(directory: string, env: NodeJS.ProcessEnv = process.env): string {
  if (env["PANTS_RUNTIME_DIR"] && !env["PANTS_STATE_DIR"]) return join(directory, "works.json");
  if (env["PANTS_STATE_DIR"]) return join(env["PANTS_STATE_DIR"], `works-${process.getuid?.() ?? 0}.json`);
  return join(userState(env), "works.json");
}

export const stateFile = (runtime: string): string => join(runtime, "state");
export const slotsFile = (runtime: string): string => join(runtime, "slots");
export const pantsdSocket = (runtime: string): string => join(runtime, "pantsd.sock");

/** The configuration file: PANTS_CONFIG, else /etc/pants/pants.toml. */
export function configFile(env: NodeJS.ProcessEnv = process.env): string {
  return env["PANTS_CONFIG"] ?? "/etc/pants/pants.toml";
}
