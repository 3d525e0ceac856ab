/** GNU make's job server, as a program's environment names it. */
const NAME = "MAKEFLAGS=";

/** Descriptors of the reading and the writing end of the pipe with the tokens; empty when there is none. */
export function jobserverOf(env: readonly Buffer[]): readonly number[] {
  const flags = env.find((entry) => entry.subarray(0, NAME.length).toString("latin1") === NAME);
  const found = flags
    ?.toString("latin1")
    .match(/--jobserver-(?:auth|fds)=\d+,\d+/g)
    ?.at(-1);
  return found?.match(/\d+/g)?.map(Number) ?? [];
}
