/**
 * Where ssh finds what its user may log in with. prexd outlives the login that it was started in; the key agent and the
 * tickets of that login end with it, and those of the program that needs a link are as good.
 */
import { statSync } from "node:fs";
import type { Environment } from "../mux/environment.js";

type Variables = Readonly<Record<string, string | undefined>>;

/** Each with whether what it names is (still) there. */
const USABLE: Readonly<Record<string, (value: string) => boolean>> = {
  SSH_AUTH_SOCK: (path) => stat(path)?.isSocket() ?? false,
  // A file, unless it says otherwise: a keyring, a daemon's.
  KRB5CCNAME: (cache) => {
    const [, type = "FILE", rest = ""] = /^(?:([A-Z]+):)?(.*)$/.exec(cache) ?? [];
    return type !== "FILE" || stat(rest) !== undefined;
  },
};

/** Our own as long as they are usable; else the program's; else our own, whatever they are. */
export function credentials(program: Environment, own: Variables = process.env): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, usable] of Object.entries(USABLE)) {
    const theirs = program.get(name);
    if (theirs !== undefined && !usable(own[name] ?? "") && usable(theirs)) found[name] = theirs;
  }
  return found;
}

function stat(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // No path, or not to be looked at.
  }
}
