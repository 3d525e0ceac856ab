/** Pressure stall information: how long some task waited for CPU, disk or memory. */
import { CounterFile } from "./counter-file.js";
import { growth } from "./rate.js";

const SOME = Buffer.from("some ");
const TOTAL = Buffer.from("total=");

export class Pressure {
  readonly #file: CounterFile;
  #beforeUs: number | null = null;

  constructor(path: string) {
    this.#file = new CounterFile(path);
  }

  /** Percent of the last `ms` in which at least one task waited; null where the kernel does not tell. */
  percent(ms: number): number | null {
    const file = this.#file;
    const nowUs = file.read() && file.line(SOME) && file.behind(TOTAL) ? file.number() : null;
    const us = growth(this.#beforeUs, nowUs);
    this.#beforeUs = nowUs;
    return us === null || ms <= 0 ? null : Math.min(100, us / (10 * ms));
  }

  close(): void {
    this.#file.close();
  }
}
