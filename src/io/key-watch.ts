/** A daemon's keys: read at the start, and again whenever their file changes. A bad file leaves those before in force. */
import { type BigIntStats, statSync } from "node:fs";
import { KeyError, loadKeys } from "./key.js";

/** A change is taken when two looks agree, so that a file which is being copied is not read by half. */
const lookMs = 1000;

export interface KeyWatchEvents {
  /** Other keys are in force from now on. */
  readonly onKeys: (secrets: readonly Buffer[]) => void;
  /** The file was refused; in one line. */
  readonly onProblem: (message: string) => void;
}

export class KeyWatch {
  /** In force; the first signs. */
  secrets: readonly Buffer[];
  /** Why the file as it is now was refused; empty when it was not. */
  problem = "";
  #taken: string;
  #seen: string;
  #events: KeyWatchEvents | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @throws {KeyError} */
  constructor(private readonly file: string) {
    this.#taken = this.#seen = stamp(file);
    this.secrets = loadKeys(file);
  }

  start(events: KeyWatchEvents): void {
    this.#events = events;
    this.#timer = setInterval(() => this.#look(), lookMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Reads the file now, whether it changed or not. */
  read(): void {
    this.#taken = this.#seen = stamp(this.file);
    try {
      this.secrets = loadKeys(this.file);
      this.problem = "";
    } catch (error) {
      if (!(error instanceof KeyError)) throw error;
      this.problem = `${error.message}; the keys read before stay in force`;
      this.#events?.onProblem(this.problem);
      return;
    }
    this.#events?.onKeys(this.secrets);
  }

  #look(): void {
    const now = stamp(this.file);
    const rests = now === this.#seen;
    this.#seen = now;
    if (rests && now !== this.#taken) this.read();
  }
}

/** Changes with the file, its content, and who may read it. */
function stamp(file: string): string {
  let stat: BigIntStats | undefined;
  try {
    stat = statSync(file, { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "unknown";
  }
  return stat ? [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(" ") : "missing";
}
