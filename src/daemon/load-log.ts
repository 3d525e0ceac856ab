/** Keeps the record of this host's load; a fault of the disk is said once, and stops nothing. */
import type { Role } from "../core/events.js";
import { wallMs } from "../io/clock.js";
import { encodeLoad, type LoadEntry, loadCapacity, loadFormat } from "../io/load-record.js";
import type { Logger } from "../io/log.js";
import { RingWriter } from "../io/ring-file.js";
import type { LoadWatch } from "./load-watch.js";

/** The interval that has just ended, and what followed from it; null before the first. */
export function entryOf(load: LoadWatch, role: Role, now: number): LoadEntry | null {
  const { interval, policy, taken, guests, settings } = load;
  if (!interval) return null;
  const { busy, lends, cause } = load.verdict(now);
  return {
    timeMs: wallMs(),
    intervalMs: interval.ms,
    sample: interval.sample,
    ...{ busy, lends, cause: cause?.what ?? null },
    ...{ value: cause?.value ?? 0, threshold: cause?.threshold ?? 0 },
    ...{ taken, guests, total: settings.slotsTotal },
    ...{ policy: policy.name, role, thresholds: policy.thresholds() },
  };
}

/** After a fault the file is tried again so long after. */
const againMs = 60_000;

export class LoadLog {
  #ring: RingWriter | null = null;
  #complained = false;
  #againAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly file: string,
    private readonly log: Logger,
  ) {}

  append(entry: LoadEntry, now: number): void {
    if (now < this.#againAt) return;
    try {
      this.#ring ??= new RingWriter(this.file, loadFormat, loadCapacity);
      this.#ring.append((content) => encodeLoad(entry, content));
      this.#complained = false;
    } catch (error) {
      if (!this.#complained)
        this.log.warn({ err: error, file: this.file }, "the record of load cannot be kept");
      this.#complained = true;
      this.#againAt = now + againMs;
      this.close();
    }
  }

  close(): void {
    this.#ring?.close();
    this.#ring = null;
  }
}
