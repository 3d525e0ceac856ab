/** Whether a control group's limits have changed: the files that they were found in are kept open, and looked at again. */
import { availableParallelism } from "node:os";
import { type Read, readOrNull } from "../cgroup.js";
import { CounterFile } from "./counter-file.js";
import { findWorld, type World } from "./world.js";

/** Limits; the controllers that a group has, since a limit may come with one; and the group that this process is in. */
const LIMITS =
  /\/(?:cpu\.cfs_quota_us|cpu\.cfs_period_us|cpu\.max|memory\.limit_in_bytes|memory\.max|cpuset\.cpus|cpuset\.cpus\.effective|cgroup\.controllers|self\/cgroup)$/;

export class Limits {
  #seen = new Map<string, string>();
  #cpus = 0;
  readonly #open = new Map<string, CounterFile>();

  /** @param given - what reads a file, for tests: then nothing is kept open */
  constructor(private readonly given?: Read) {}

  /** What this host is now; `changed` is about this from here on. */
  find(totalMb: number | null): World {
    const read = this.given ?? readOrNull;
    const seen = new Map<string, string>();
    const world = findWorld(totalMb, (file) => {
      const text = read(file);
      if (text !== null && LIMITS.test(file)) seen.set(file, text);
      return text;
    });
    this.#seen = seen;
    this.#cpus = availableParallelism();
    this.close();
    return world;
  }

  changed(): boolean {
    if (availableParallelism() !== this.#cpus) return true;
    for (const [file, text] of this.#seen) if (this.#again(file) !== text) return true;
    return false;
  }

  close(): void {
    for (const file of this.#open.values()) file.close();
    this.#open.clear();
  }

  #again(path: string): string | null {
    if (this.given) return this.given(path);
    const file = this.#open.get(path) ?? new CounterFile(path);
    this.#open.set(path, file);
    return file.read() ? file.text() : null;
  }
}
