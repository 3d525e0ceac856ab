/** How jobs of other hosts run here, beside the owner's programs: what [guests] of this host's configuration says. */
import { statSync, writeFileSync } from "node:fs";
import { readOrNull } from "../io/cgroup.js";
import { parseIoPriority } from "../io/io-priority.js";

export interface GuestPriority {
  /** Added to a job's own nice value. */
  readonly nice: number;
  /** I/O class and level as ioprio_set(2) takes them; 0: the job's own. */
  readonly ioPriority: number;
}

/** The kernel takes nice values of sessions from users ten times a second, and asks to try again. */
const againMs = 150;
const triesMax = 20;

/** As at home: in force as long as nothing else is said. */
const asAtHome: GuestPriority = { nice: 0, ioPriority: 0 };

export class Guests {
  #stamp = "";
  #inForce = asAtHome;
  #config: typeof import("../io/config.js") | null = null;

  constructor(private readonly file: string) {}

  /**
   * As the file is now: it is read again only when it has changed. One that is wrong changes nothing: pantsd, who reads it
   * too, says what is wrong with it.
   */
  priority(): GuestPriority {
    const stamp = stampOf(this.file);
    if (stamp === this.#stamp) return this.#inForce;
    if (!this.#config) {
      if (this.#mentioned()) this.ready().catch(() => undefined);
      else this.#stamp = stamp;
      return this.#inForce;
    }
    this.#stamp = stamp;
    const { ConfigError, loadConfig } = this.#config;
    try {
      const { nice, io } = loadConfig(this.file).guests;
      this.#inForce = { nice, ioPriority: parseIoPriority(io) ?? 0 };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
    }
    return this.#inForce;
  }

  /** Loads what reads the file, which takes a third of an agent's start: only where the file says something of guests. */
  async ready(): Promise<void> {
    if (this.#mentioned()) this.#config = await import("../io/config.js");
  }

  #mentioned(): boolean {
    return (readOrNull(this.file) ?? "").includes("guests");
  }
}

/**
 * Where the kernel shares CPUs out between sessions before it does between programs (autogroup), a nice value counts
 * only within a session: a job's session gets what its program got.
 * @param ended - whether the program has
 */
export function lowerSession(pid: number, nice: number, ended: () => boolean, tries = triesMax): void {
  if (nice === 0 || tries === 0 || ended()) return;
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(nice));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return; // No such kernel, or it has just ended.
    setTimeout(() => lowerSession(pid, nice, ended, tries - 1), againMs).unref();
  }
}

function stampOf(file: string): string {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stat ? [stat.dev, stat.ino, stat.size, stat.mtimeNs].join(" ") : "missing";
}
