/** A small marked program that tells where it ran. */
import { cpSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { libprex } from "../../src/cli/demo/build.js";
import { changeMark, MIGRATABLE } from "../../src/io/mark.js";
import type { Running, RunOptions } from "../../src/lab/host.js";
import type { Lab } from "../../src/lab/lab.js";
import { until } from "../../src/lab/wait.js";

/** The status that each try ends with, wherever it runs. */
export const STATUS = 42;

/** A shell into which libprex.so is loaded, and which execs what follows. */
const UNDER = ["sh", "-c", 'exec "$@"', "sh"];

/** How a try went. */
export interface Tried {
  /** The host that it ran on. */
  readonly on: string;
  readonly status: number | null;
  /** What PANTS_DEBUG=1 said. */
  readonly debug: string;
  readonly ms: number;
}

/** Marked copies of sh and sleep, in a folder that all hosts see. */
export class Guest {
  readonly folder = mkdtempSync(join(realpathSync(tmpdir()), "pants-guest-"));
  readonly sh = join(this.folder, "sh");
  readonly sleep = join(this.folder, "sleep");

  constructor() {
    for (const [from, to] of [
      ["/bin/dash", this.sh],
      ["/bin/sleep", this.sleep],
    ] as const) {
      cpSync(realpathSync(from), to);
      changeMark(to, () => MIGRATABLE);
    }
  }

  /** Starts a program on n1 that sleeps until it is killed. */
  sleeps(lab: Lab): Running {
    return lab.host("n1").start([...UNDER, this.sleep, "1000"], { env: { LD_PRELOAD: libprex } });
  }

  /** Takes the only slot of n1 until it is killed. */
  async fill(lab: Lab): Promise<Running> {
    const n1 = lab.host("n1");
    const holder = this.sleeps(lab);
    await until("the slot to be taken", () => n1.processes().some(({ argv }) => argv[0] === this.sleep));
    return holder;
  }

  /** Runs the program on n1. */
  async try(lab: Lab, env: RunOptions["env"] = {}): Promise<Tried> {
    const argv = [
      ...UNDER,
      this.sh,
      "-c",
      `read name </proc/sys/kernel/hostname; echo $name; exit ${STATUS}`,
    ];
    const all = { LD_PRELOAD: libprex, PANTS_DEBUG: "1", ...env };
    const run = await lab.host("n1").run(argv, { cwd: this.folder, env: all, timeoutMs: 40_000 });
    return { on: run.stdout.trim(), status: run.status, debug: run.stderr, ms: run.ms };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
