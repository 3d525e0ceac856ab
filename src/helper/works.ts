/** What this user's jobs need, as prexd has learned it: kept in a small file over restarts, and lost with nothing else. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { WorkMemory } from "../core/kinds/memory.js";
import type { Need } from "../core/kinds/need.js";
import { shapeOf } from "../core/kinds/shape.js";
import type { Run } from "../io/layout.js";
import type { JobStatus } from "../mux/status.js";
import type { Log } from "./log.js";

/** Written so often, when anything was learned, ms. */
const KEEP_MS = 60_000;

export class Works {
  readonly memory: WorkMemory;
  private learned = false;
  private keptAt = performance.now();
  private complained = false;

  constructor(
    private readonly file: string,
    private readonly log: Log,
  ) {
    this.memory = new WorkMemory(this.read());
  }

  need(keys: readonly string[]): Need | null {
    return this.memory.need(keys);
  }

  /** A job has ended over there, by itself. @param wallMs - from its start to its end */
  ended(keys: readonly string[], host: string, status: JobStatus, wallMs: number): void {
    // A signal cut it short, and it says nothing of the next one.
    if ((status.status & 0x7f) !== 0) return;
    const cpuMs = (status.userUs + status.systemUs) / 1000;
    const ioKb = (status.inBlocks + status.outBlocks) / 2;
    this.memory.learn(keys, { host, cpuMs, wallMs, ioKb, memoryMb: status.maxRssKb / 1024 });
    this.learned = true;
  }

  /** Writes it down when that is due, or `now`. */
  keep(now = false): void {
    if (!this.learned || (!now && performance.now() - this.keptAt < KEEP_MS)) return;
    this.keptAt = performance.now();
    this.learned = false;
    try {
      mkdirSync(dirname(this.file), { recursive: true, mode: 0o700 });
      const draft = `${this.file}.${process.pid}`;
      writeFileSync(draft, JSON.stringify(this.memory), { mode: 0o600 });
      renameSync(draft, this.file);
      this.complained = false;
    } catch (error) {
      if (!this.complained)
        this.log.warn({ err: error, file: this.file }, "what was learned of jobs cannot be kept");
      this.complained = true;
    }
  }

  private read(): unknown {
    try {
      return JSON.parse(readFileSync(this.file, "utf8")) as unknown;
    } catch {
      return null; // learned again
    }
  }
}

/** What a job is known by: its shape, else its program. */
export function keysOf({ path, argv }: Run): string[] {
  const program = path.toString("utf8");
  const words = argv.map((word) => word.toString("utf8"));
  return [shapeOf(program, words), program];
}
