/** A host without root: a runtime directory and an address of its own, everything else shared. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LabError } from "./command.js";
import type { Env, Place } from "./place.js";
import { enterArgs } from "./place.js";
import { endAll, isMarked, MARK, pidsMarked } from "./processes.js";

/** What such hosts do not have of their own. */
export const SHARED =
  "processes, mounts, host name, CPU quota, network cable and sshd are not each host's own";

/** Address of the host with this index, from 0: all of 127/8 is loopback. */
export const loopbackAddress = (index: number): string => `127.77.0.${index + 1}`;

/** Stands for ssh: `FOLDER/rsh HOST COMMAND...` runs it as that host would. */
export function writeRsh(folder: string, id: string): string {
  const file = join(folder, "rsh");
  const script = `#!/bin/sh
host=$1; shift
[ -e "${folder}/$host/up" ] || { echo "rsh: $host: no route to host" >&2; exit 255; }
PANTS_RUNTIME_DIR="${folder}/$host/run" PANTS_CONFIG="${folder}/$host/pants.toml" ${MARK}="${id}/$host"
export PANTS_RUNTIME_DIR PANTS_CONFIG ${MARK}
cd 2>/dev/null || cd /
exec setsid -w sh -c "$*"
`;
  writeFileSync(file, script, { mode: 0o755 });
  return file;
}

export class Loopback implements Place {
  readonly runtime: string;
  readonly net = "/proc/self/net";
  readonly #folder: string;
  readonly #mark: string;

  constructor(id: string, folder: string, name: string) {
    this.#folder = join(folder, name);
    this.#mark = `${id}/${name}`;
    this.runtime = join(this.#folder, "run");
    mkdirSync(this.runtime, { mode: 0o755, recursive: true });
    writeFileSync(join(this.#folder, "up"), "");
  }

  command(argv: readonly string[], cwd: string, env: Env): string[] {
    return enterArgs(argv, cwd, env);
  }

  program(pid: number): number | undefined {
    return isMarked(pid, this.#mark) ? pid : undefined; // Before its first exec it is a copy of its parent.
  }

  pids(): number[] {
    return pidsMarked(this.#mark);
  }

  async kill(): Promise<void> {
    await endAll(`the processes of ${this.#mark}`, () => this.pids());
  }

  link(up: boolean): void {
    throw new LabError(`${this.#mark}: no cable to ${up ? "put in" : "pull"}: ${SHARED}`);
  }

  speed(): void {
    throw new LabError(`${this.#mark}: no cable to limit: ${SHARED}`);
  }

  cpuSeconds(): number {
    return Number.NaN;
  }
}
