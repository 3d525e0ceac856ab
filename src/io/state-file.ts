/** Writes the record that the shim decides by. */
import { closeSync, fchmodSync, openSync } from "node:fs";
import { encodeState, type State } from "./layout.js";
import { native } from "./native.js";
import { hostPlace } from "./place.js";

export type StateContent = Omit<State, "seq" | "writtenNs" | "pid" | "place">;

export class StateFile {
  readonly #fd: number;
  readonly #place = hostPlace();
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
    const own = { seq: this.#seq, writtenNs: native.bootTimeNs(), pid: process.pid, place: this.#place };
    const errno = Math.max(0, -native.writeRecord(this.#fd, encodeState({ ...content, ...own })));
    if (errno !== 0 && errno !== this.#errno) this.onError(errno);
    this.#errno = errno;
  }

  close(): void {
    closeSync(this.#fd);
  }
}
