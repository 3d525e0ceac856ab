/** What a job's program finds of PANTS in its environment: what is this host's, so that its children find this host. */
import type { Environment } from "../mux/environment.js";

const OURS = ["PANTS_RUNTIME_DIR", "PANTS_CONFIG"];
/** What these begin with: P. */
const FIRST = [0x50];

/** A job's environment with our own values for those that home sent without one; what is not set here goes. */
export function withOurs(env: Environment, ours: NodeJS.ProcessEnv = process.env): Environment {
  return env.rewritten(FIRST, (name, empty) => (empty && OURS.includes(name) ? ours[name] : true));
}
