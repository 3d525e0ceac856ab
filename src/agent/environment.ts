/** What a job's program finds of PANTS in its environment: what is this host's, so that its children find this host. */
import { Environment } from "../mux/environment.js";

const ours = ["PANTS_RUNTIME_DIR", "PANTS_CONFIG"].flatMap((name) => {
  const value = process.env[name];
  return value === undefined ? [] : [{ name, variable: Environment.of([Buffer.from(`${name}=${value}`)]) }];
});

/** A job's environment, with our own settings for what it does not set itself. */
export function withOurs(env: Environment): Environment {
  return ours.reduce(
    (all, { name, variable }) => (env.get(name) === undefined ? all.with(variable) : all),
    env,
  );
}
