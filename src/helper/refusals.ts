/** Which hosts lately said that a program or a directory is not the same there, and how they said it. */
const KEPT_MS = 10_000;
const MAX = 1024;

export class RefusalMemory {
  /** By `host NUL path`. */
  private readonly said = new Map<string, { readonly until: number; readonly text: string }>();

  remember(host: string, path: Buffer, text: string): void {
    if (this.said.size >= MAX) this.said.clear();
    const until = performance.now() + KEPT_MS;
    this.said.set(`${host}\0${path.toString("latin1")}`, { until, text });
  }

  /** Hosts that would refuse a job with one of these paths, and what they would say. */
  *hosts(...paths: readonly Buffer[]): Iterable<readonly [host: string, text: string]> {
    if (this.said.size === 0) return;
    const now = performance.now();
    const wanted = new Set(paths.map((path) => path.toString("latin1")));
    for (const [key, { until, text }] of this.said) {
      const [host = "", path = ""] = key.split("\0");
      if (until <= now) this.said.delete(key);
      else if (wanted.has(path)) yield [host, text];
    }
  }
}
