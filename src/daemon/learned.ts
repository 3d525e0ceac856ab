/** What the policy has learned of this host, kept over restarts: a small JSON file, replaced as a whole. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Logger } from "../io/log.js";

/** Written so often; what was learned since the last time is lost with a crash, and learned again. */
const everyMs = 600_000;

export class Learned {
  #writtenAt: number | null = null;
  #complained = false;

  constructor(
    private readonly file: string,
    private readonly log: Logger,
  ) {}

  /** Null when there is nothing, or nothing that can be used. */
  read(): unknown {
    try {
      return JSON.parse(readFileSync(this.file, "utf8")) as unknown;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT")
        this.log.warn({ file: this.file }, "what was learned of this host cannot be read: learning anew");
      return null;
    }
  }

  /** Writes it down when that is due. */
  keep(learned: unknown, now: number): void {
    this.#writtenAt ??= now;
    if (now - this.#writtenAt < everyMs) return;
    this.#writtenAt = now;
    this.write(learned);
  }

  write(learned: unknown): void {
    if (learned === null) return;
    try {
      mkdirSync(dirname(this.file), { recursive: true, mode: 0o755 });
      const draft = `${this.file}.${process.pid}`;
      writeFileSync(draft, `${JSON.stringify(learned)}\n`);
      renameSync(draft, this.file);
      this.#complained = false;
    } catch (error) {
      if (!this.#complained) this.log.warn({ err: error }, "what was learned of this host cannot be kept");
      this.#complained = true;
    }
  }
}
