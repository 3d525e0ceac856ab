/** Programs that were told to run here: their ends, since they are nobody's children that we could wait for. */
import { IN, native } from "../io/native.js";

/** More than these are not watched. */
const WATCHED_MAX = 1024;

export class HomePrograms {
  private count = 0;

  /** @param onEnd - one has ended: a place may be free */
  constructor(private readonly onEnd: () => void) {}

  /** @param ended - told how long it ran, ms */
  watch(pid: number, ended: (ms: number) => void): void {
    if (this.count >= WATCHED_MAX) return;
    const fd = native.pidfd(pid);
    if (fd < 0) return;
    const since = performance.now();
    const watched = native.watch(fd, IN, () => {
      native.close(fd);
      this.count -= 1;
      ended(performance.now() - since);
      this.onEnd();
    });
    if (watched < 0) native.close(fd);
    else this.count += 1;
  }
}
