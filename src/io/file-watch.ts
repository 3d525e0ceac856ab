/** A file that daemons read again when it changes. */
import { type BigIntStats, type FSWatcher, statSync, watch } from "node:fs";
import { paced } from "./pace.js";

/** A change is taken when two looks agree, so that a file which is being copied is not read by half. */
const lookMs = 400;
/** Where the kernel tells of no change (a network file system, a file that is not there yet) it is looked at so often. */
const restMs = 2000;

/** Those that are looked at, all by one timer: a wake-up for them together. */
const started = new Set<FileWatch>();
let timer: NodeJS.Timeout | undefined;

function lookLater(): void {
  timer = setTimeout(() => {
    lookLater();
    for (const one of started) one.look();
  }, paced(restMs)).unref();
}

export class FileWatch {
  #taken: string;
  #seen: string;
  #onChange: () => void = () => {};
  #watcher: FSWatcher | null = null;
  #soon: NodeJS.Timeout | undefined;

  constructor(private readonly file: string) {
    this.#taken = this.#seen = stamp(file);
  }

  /**
   * Calls back within a second or so of a change, or within three where the kernel tells of none (a dozen on a host that is
   * full, pace.ts); until `stop`.
   */
  start(onChange: () => void): void {
    this.#onChange = onChange;
    this.#listen();
    started.add(this);
    if (!timer) lookLater();
  }

  /** The file has just been read: as it is now, it is no news. */
  taken(): void {
    this.#taken = this.#seen = stamp(this.file);
  }

  stop(): void {
    clearTimeout(this.#soon);
    this.#deaf();
    started.delete(this);
    if (started.size > 0) return;
    clearTimeout(timer);
    timer = undefined;
  }

  /** Takes a change that rests. */
  look(): void {
    const now = stamp(this.file);
    const rests = now === this.#seen;
    this.#seen = now;
    if (!rests) {
      this.#lookSoon();
      this.#deaf(); // It may be another file of that name.
    }
    if (!this.#watcher) this.#listen();
    if (!rests || now === this.#taken) return;
    this.#taken = now;
    this.#onChange();
  }

  #lookSoon(): void {
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => this.look(), lookMs).unref();
  }

  #listen(): void {
    try {
      this.#watcher = watch(this.file, { persistent: false }, () => this.#lookSoon());
      this.#watcher.on("error", () => this.#deaf());
    } catch {
      this.#watcher = null; // Not there, or no more watches to be had.
    }
  }

  #deaf(): void {
    this.#watcher?.close();
    this.#watcher = null;
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
