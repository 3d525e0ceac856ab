/** A variable of an environment as it came with a job: byte strings, perhaps without `=`. */

/** Its first value, a character for each byte; undefined when it is not set. */
export function variable(env: readonly Buffer[], name: string): string | undefined {
  const head = `${name}=`;
  const first = head.charCodeAt(0); // most are told apart by it
  const found = env.find((one) => one[0] === first && one.toString("latin1", 0, head.length) === head);
  return found?.toString("latin1", head.length);
}
