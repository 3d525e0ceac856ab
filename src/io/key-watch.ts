/** A daemon's keys: read at the start, and again whenever their file changes. A bad file leaves those before in force. */
import { FileWatch } from "./file-watch.js";
import { KeyError, loadKeys } from "./key.js";

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
  readonly #watch: FileWatch;
  #events: KeyWatchEvents | undefined;

  /** @throws {KeyError} */
  constructor(private readonly file: string) {
    this.#watch = new FileWatch(file);
    this.secrets = loadKeys(file);
  }

  start(events: KeyWatchEvents): void {
    this.#events = events;
    this.#watch.start(() => this.read());
  }

  stop(): void {
    this.#watch.stop();
  }

  /** Reads the file now, whether it changed or not. */
  read(): void {
    this.#watch.taken();
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
}
