/** What a job's program finds of PANTS in its environment: what is this host's, so that its children find this host. */

const OURS = ["PANTS_RUNTIME_DIR", "PANTS_CONFIG"];

const P = 0x50; // what they begin with

/** A job's environment, with our own settings for what it does not set itself. */
export function withOurs(env: readonly Buffer[]): Buffer[] {
  const like = env.filter((one) => one[0] === P).map((one) => one.toString("latin1"));
  const missing = OURS.filter((name) => !like.some((one) => one.startsWith(`${name}=`)));
  const ours = missing.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [Buffer.from(`${name}=${value}`)];
  });
  return [...env, ...ours];
}
