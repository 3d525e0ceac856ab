/** A file that daemons read again when it changes. */
import { type BigIntStats, statSync } from "node:fs";

/** A change is taken when two looks agree, so that a file which is being copied is not read by half. */
const lookMs = 500;

/** Those that are looked at, all by one timer: a wake-up for them together. */
const started = new Set<FileWatch>();
let timer: NodeJS.Timeout | undefined;

export class FileWatch {
  #taken: string;
  #seen: string;
  #onChange: () => void = () => {};

  constructor(private readonly file: string) {
    this.#taken = this.#seen = stamp(file);
  }

  /** Calls back within a second or so of a change; until `stop`. */
  start(onChange: () => void): void {
    this.#onChange = onChange;
    started.add(this);
    timer ??= setInterval(() => {
      for (const watch of started) watch.#look();
    }, lookMs).unref();
  }

  /** The file has just been read: as it is now, it is no news. */
  taken(): void {
    this.#taken = this.#seen = stamp(this.file);
  }

  stop(): void {
    started.delete(this);
    if (started.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  #look(): void {
    const now = stamp(this.file);
    const rests = now === this.#seen;
    this.#seen = now;
    if (!rests || now === this.#taken) return;
    this.#taken = now;
    this.#onChange();
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
  if (!stat) return "missing";
  return [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs, stat.mode, stat.uid].join(" ");
}
