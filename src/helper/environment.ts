/** The environment that goes with a job: all of it, but for what names sockets and files of this host's PANTS or agent. */

import type { Environment } from "../mux/environment.js";

/** PANTS's own: over there they would name what is not there. */
const OWN = ["PANTS_PREX", "PANTS_RSH", "PANTS_NODE", "PANTS_LINK_LOCK", "PANTS_STANDIN"];
const DROPPED = new Set([...OWN, "SSH_AUTH_SOCK"]);
/** These go without a value, so that the agent can put its own in their place. */
const EMPTIED = new Set(["PANTS_RUNTIME_DIR", "PANTS_CONFIG"]);
/** Names that are to go along all the same, between spaces or commas. */
const KEEP = "PANTS_KEEP_ENV";
/** What all of these begin with: P and S. */
const FIRST = [0x50, 0x53];

/** In the order in which they came. */
export function carried(env: Environment): Environment {
  const kept = new Set(env.get(KEEP)?.split(/[\s,]+/));
  kept.delete("PANTS_STANDIN");
  return env.rewritten(FIRST, (name) => {
    if (kept.has(name)) return true;
    if (DROPPED.has(name)) return undefined;
    return EMPTIED.has(name) ? "" : true;
  });
}
