/** The environment that goes with a job: all of it, but for what names sockets and files of this host's PANTS or agent. */

import { variable } from "../io/variable.js";

/** PANTS's own: over there they would name what is not there. The agent has its own in their place. */
const OWN = [
  "PANTS_RUNTIME_DIR",
  "PANTS_CONFIG",
  "PANTS_PREX",
  "PANTS_RSH",
  "PANTS_NODE",
  "PANTS_LINK_LOCK",
  "PANTS_STANDIN",
];
const DROPPED = new Set([...OWN, "SSH_AUTH_SOCK"]);
/** Names that are to go along all the same, between spaces or commas. */
const KEEP = "PANTS_KEEP_ENV";
/** What all of these begin with: no other variable has to be looked at further. */
const [P, S] = [0x50, 0x53];

/** In the order in which they came; each variable is a byte string, perhaps without `=`. */
export function carried(env: readonly Buffer[]): Buffer[] {
  const kept = new Set(variable(env, KEEP)?.split(/[\s,]+/));
  return env.filter((variable) => {
    if (variable[0] !== P && variable[0] !== S) return true;
    const equals = variable.indexOf("=");
    const name = variable.toString("latin1", 0, equals < 0 ? variable.length : equals);
    return !DROPPED.has(name) || (kept.has(name) && name !== "PANTS_STANDIN");
  });
}
