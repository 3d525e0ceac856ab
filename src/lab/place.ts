/** Where a host's programs run: in namespaces of its own, or beside the others on loopback. */

/** Additional variables of a program; undefined removes one. */
export type Env = Readonly<Record<string, string | undefined>>;

export interface Place {
  /** The host's runtime directory, as seen from outside. */
  readonly runtime: string;
  /** What the kernel tells of its network: /proc/net as seen there, readable from outside. */
  readonly net: string;
  /** The command that runs `argv` there, in `cwd`, with `env` over the host's own. */
  command(argv: readonly string[], cwd: string, env: Env): string[];
  /** From the process that `command` started to the program itself: itself, or its child. */
  program(pid: number): number | undefined;
  /** All processes of this host. */
  pids(): number[];
  /** Every process at once, as when the power fails. */
  kill(): Promise<void>;
  /** Puts the network cable in or pulls it. @throws {LabError} where there is none. */
  link(up: boolean): void;
  /** Makes the cable carry so much each way, Mbit/s. @throws {LabError} where there is none, or the kernel cannot. */
  speed(mbit: number): void;
  /** CPU time used there so far, in seconds; NaN where nobody counts. */
  cpuSeconds(): number;
}

/** Arguments for `sh -c ENTER`: a working directory, then arguments for env(1). */
export const ENTER = 'cd "$1" || exit 127; shift; exec env "$@"';

/** `sh -c ENTER` with these arguments; the program's variables reach no other program on the way. */
export function enterArgs(argv: readonly string[], cwd: string, env: Env): string[] {
  const entries = Object.entries(env);
  const unset = entries.flatMap(([key, value]) => (value === undefined ? ["-u", key] : []));
  const set = entries.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]));
  return ["sh", "-c", ENTER, "sh", cwd, ...unset, ...set, ...argv];
}
