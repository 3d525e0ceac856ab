/** A job server of GNU make's protocol, as a program's environment names it: make's own, or cargo's. */

/** Where programs look, the first that is set counts: rustc and what else cargo starts, make, makes of old. */
const NAMES = ["CARGO_MAKEFLAGS=", "MAKEFLAGS=", "MFLAGS="];

/** Descriptors of the reading and the writing end of a pipe with tokens. */
export interface Jobserver {
  readonly read: number;
  readonly write: number;
}

/** Those that the environment names. Whether there is such a pipe is another matter: a variable outlives it. */
export function jobserversOf(env: readonly Buffer[]): Jobserver[] {
  return NAMES.flatMap((name) => {
    const flags = env.find((entry) => entry.subarray(0, name.length).toString("latin1") === name);
    const found = flags
      ?.toString("latin1")
      .match(/--jobserver-(?:auth|fds)=\d+,\d+/g)
      ?.at(-1);
    const [read, write] = found?.match(/\d+/g)?.map(Number) ?? [];
    return read === undefined || write === undefined ? [] : [{ read, write }];
  });
}
