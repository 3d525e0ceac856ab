/** The state record of this host's pantsd, as the programs read it that do not ask pantsd itself. */
import { closeSync, openSync, readSync } from "node:fs";
import { decodeState, isFresh, STATE_SIZE, type State } from "./layout.js";
import { native } from "./native.js";
import { stateFile } from "./paths.js";

export class StateReader {
  readonly #bytes = Buffer.alloc(STATE_SIZE);
  readonly #path: string;
  #latest: State | null = null;

  constructor(runtime: string) {
    this.#path = stateFile(runtime);
  }

  /** As last read; a torn one does not count. */
  get latest(): State | null {
    return this.#latest;
  }

  /** The record now; null when pantsd does not write any, or not any more. */
  read(): State | null {
    try {
      const fd = openSync(this.#path, "r");
      const n = readSync(fd, this.#bytes, 0, STATE_SIZE, 0);
      closeSync(fd);
      this.#latest = decodeState(this.#bytes.subarray(0, n)) ?? this.#latest;
    } catch {
      this.#latest = null;
    }
    return this.#latest !== null && isFresh(this.#latest, native.bootTimeNs()) ? this.#latest : null;
  }
}
