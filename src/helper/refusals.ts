/** Which hosts lately said that a program or a directory is not the same there. */
const KEPT_MS = 10_000;
const MAX = 1024;

export class RefusalMemory {
  /** `host NUL path`, and until when. */
  private readonly until = new Map<string, number>();

  remember(host: string, path: Buffer): void {
    if (this.until.size >= MAX) this.until.clear();
    this.until.set(`${host}\0${path.toString("latin1")}`, performance.now() + KEPT_MS);
  }

  /** Hosts that would refuse a job with one of these paths. */
  *hosts(...paths: readonly Buffer[]): Iterable<string> {
    if (this.until.size === 0) return;
    const now = performance.now();
    const wanted = new Set(paths.map((path) => path.toString("latin1")));
    for (const [key, until] of this.until) {
      const [host = "", path = ""] = key.split("\0");
      if (until <= now) this.until.delete(key);
      else if (wanted.has(path)) yield host;
    }
  }
}
