/** Logs of daemons: JSON lines, to stderr or to a file of bounded size. A full disk loses lines, nothing else. */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";
import { type Logger, pino } from "pino";

export type { Logger } from "pino";

const fileBytesMax = 5 * 1024 * 1024;

/** Logger to stderr, or to a file which is renamed to FILE.1 when it reaches 5 MB. */
export function openLog(name: string, file?: string): Logger {
  const stream = file === undefined ? { write: writeStderr } : new RotatingFile(file);
  return pino({ name, base: { name }, timestamp: pino.stdTimeFunctions.isoTime }, stream);
}

function writeStderr(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // Nobody reads stderr any more, or not now.
  }
}

class RotatingFile {
  #fd: number;
  #bytes: number;

  constructor(private readonly path: string) {
    this.#fd = openSync(path, "a", 0o644);
    this.#bytes = fstatSync(this.#fd).size;
  }

  write(line: string): void {
    try {
      if (this.#bytes >= fileBytesMax) this.#rotate();
      this.#bytes += writeSync(this.#fd, line);
    } catch {
      // Disk full: the line is lost.
    }
  }

  #rotate(): void {
    closeSync(this.#fd);
    renameSync(this.path, `${this.path}.1`);
    this.#fd = openSync(this.path, "a", 0o644);
    this.#bytes = 0;
  }
}
