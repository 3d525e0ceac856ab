/** A job server of GNU make's protocol, as a program's environment names it: make's own, or cargo's. */
import { basename } from "node:path";
import type { Environment } from "../mux/environment.js";

/** Where programs look, the first that is set counts: rustc and what else cargo starts, make, makes of old. */
const NAMES = ["CARGO_MAKEFLAGS", "MAKEFLAGS", "MFLAGS"];
/** They open a job server whose name they are given, and say so when they cannot. So does gcc that is told to. */
const OPENERS = new Set(["make", "gmake", "ninja", "cargo", "rustc", "rustdoc", "clippy-driver"]);
const TOLD = Buffer.from("-flto=jobserver");

/** Descriptors of the reading and the writing end of a pipe with tokens. */
export interface Jobserver {
  readonly read: number;
  readonly write: number;
}

/** Those that the environment names. Whether there is such a pipe is another matter: a variable outlives it. */
export function jobserversOf(env: Environment): Jobserver[] {
  return named(env).flatMap((server) => {
    const [read, write] = /^\d+,\d+$/.test(server) ? server.split(",").map(Number) : [];
    return read === undefined || write === undefined ? [] : [{ read, write }];
  });
}

/** Whether a program would open a job server by its name, which is a FIFO of this host: that of make 4.4 and later. */
export function opensJobserver(program: string, argv: readonly Buffer[], env: Environment): boolean {
  const opens = OPENERS.has(basename(program)) || argv.some((arg) => arg.equals(TOLD));
  return opens && named(env).some((server) => server.startsWith("fifo:"));
}

/** What each variable says: `R,W` or `fifo:PATH`. */
function named(env: Environment): string[] {
  return NAMES.flatMap((name) => {
    const found = env.get(name)?.matchAll(/--jobserver-(?:auth|fds)=(\d+,\d+|fifo:\S+)/g);
    return [...(found ?? [])].slice(-1).flatMap(([, server]) => server ?? []);
  });
}
