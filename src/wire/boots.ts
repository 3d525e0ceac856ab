/**
 * The latest start of pantsd on each machine: what an earlier one said is out of date, even if nobody here heard it
 * then. Without this, captured words of a host before its restart would make its present ones look old.
 */

interface Start {
  boot: string;
  /** Newest wall clock of its datagrams. */
  dateMs: number;
}

export class Boots {
  readonly #latest = new Map<string, Start>();

  /** @param machinesMax machines remembered; beyond, the one that restarted longest ago is forgotten */
  constructor(private readonly machinesMax = 16_384) {}

  /**
   * Whether an authentic datagram is of the machine's latest start. A later start is known by its date: one whose clock
   * was set back meanwhile is heard again when that has caught up. What is dated beyond `horizonMs` is refused by its date
   * already, so a start known from there (all clocks were ahead, and were set right) stands in nobody's way.
   * @param sender machine and boot, 32 hex digits
   * @param horizonMs latest date that is accepted now
   */
  current(sender: string, dateMs: number, horizonMs: number): boolean {
    const [machine, boot] = [sender.slice(0, 16), sender.slice(16)];
    const latest = this.#latest.get(machine);
    if (latest?.boot === boot) {
      if (dateMs > latest.dateMs) latest.dateMs = dateMs;
      return true;
    }
    if (latest && dateMs < latest.dateMs && latest.dateMs <= horizonMs) return false;
    this.#latest.delete(machine);
    this.#latest.set(machine, { boot, dateMs });
    if (this.#latest.size > this.machinesMax) this.#forgetOne();
    return true;
  }

  #forgetOne(): void {
    for (const oldest of this.#latest.keys()) {
      this.#latest.delete(oldest);
      return;
    }
  }
}
