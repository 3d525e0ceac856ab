/** Writes the record that the shim decides by. */
import { closeSync, fchmodSync, openSync } from "node:fs";
import { encodeState, type State } from "./layout.js";
import { native } from "./native.js";

export type StateContent = Omit<State, "seq" | "writtenNs" | "pid">;

export class StateFile {
  readonly #fd: number;
  #seq = 0;
  /** errno of the last write; 0 when it went well. */
  #errno = 0;

  constructor(
    path: string,
    private readonly onError: (errno: number) => void,
  ) {
    this.#fd = openSync(path, "w+", 0o644);
    fchmodSync(this.#fd, 0o644);
  }

  write(content: StateContent): void {
    this.#seq += 1;
    const record = { ...content, seq: this.#seq, writtenNs: native.bootTimeNs(), pid: process.pid };
    const errno = Math.max(0, -native.writeRecord(this.#fd, encodeState(record)));
    if (errno !== 0 && errno !== this.#errno) this.onError(errno);
    this.#errno = errno;
  }

  close(): void {
    closeSync(this.#fd);
  }
}
