/** This host's load: CPU by the sampling interval, slots more often, and what follows for busy or free. */
import type { LocalLoad } from "../core/events.js";
import { judge, type Verdict } from "../core/load.js";

export interface LoadSource {
  /** Percent of CPU used since the last call. */
  readonly cpuPercent: () => number;
  readonly slots: () => { taken: number; guests: number };
}

export interface LoadSettings {
  readonly intervalMs: number;
  readonly thresholdPercent: number;
  readonly slotsTotal: number;
}

/** Slots are looked at so often while any is taken or leased, and else. */
const pollActiveMs = 50;
const pollIdleMs = 500;
/** An idle host's slots are looked at so much early when it is awake anyway: a wake-up less. */
const pollSlackMs = 120;
/** The first sample is short, so that a daemon knows its load soon. */
const firstSampleMs = 200;

export class LoadWatch {
  /** CPU percent of the last whole interval; null before the first. */
  cpuPercent: number | null = null;
  taken = 0;
  guests = 0;
  #takenAverage = 0;
  /** Integral of slots taken over this interval so far, slot ms. */
  #takenMs = 0;
  #intervalAt: number;
  #polledAt: number;
  #sampleAt: number;
  #pollAt: number;
  #slackMs = 0;

  constructor(
    private readonly source: LoadSource,
    public settings: LoadSettings,
    now: number,
  ) {
    this.#intervalAt = now;
    this.#polledAt = now;
    this.#pollAt = now;
    this.#sampleAt = now + firstSampleMs;
    source.cpuPercent();
  }

  wakeAt(): number {
    return Math.min(this.#sampleAt, this.#pollAt);
  }

  /** Looks at what is due: whether a sampling interval has ended, or at least the slots taken have changed. */
  tick(now: number, leased: boolean): "sampled" | "changed" | "same" {
    if (now < this.#sampleAt && now < this.#pollAt - this.#slackMs) return "same";
    const { taken, guests } = this;
    this.poll(now, leased);
    if (now < this.#sampleAt) return taken !== this.taken || guests !== this.guests ? "changed" : "same";
    this.cpuPercent = this.source.cpuPercent();
    this.#takenAverage = now > this.#intervalAt ? this.#takenMs / (now - this.#intervalAt) : this.taken;
    this.#takenMs = 0;
    this.#intervalAt = now;
    this.#sampleAt = now + this.settings.intervalMs;
    return "sampled";
  }

  /** Looks at the slots now. */
  poll(now: number, leased: boolean): void {
    this.#takenMs += this.taken * (now - this.#polledAt);
    this.#polledAt = now;
    const { taken, guests } = this.source.slots();
    this.taken = taken;
    this.guests = guests;
    const active = taken > 0 || leased;
    this.#pollAt = now + (active ? pollActiveMs : pollIdleMs);
    this.#slackMs = active ? 0 : pollSlackMs;
  }

  verdict(): Verdict {
    const { taken } = this;
    const total = this.settings.slotsTotal;
    const load = { cpuPercent: this.cpuPercent ?? 0, takenAverage: this.#takenAverage, taken, total };
    return judge(load, this.settings.thresholdPercent);
  }

  /** What the cluster is told. */
  local(): LocalLoad {
    const { busy, predictedPercent } = this.verdict();
    const total = this.settings.slotsTotal;
    const free = Math.max(0, total - this.taken);
    const guests = Math.min(this.guests, total - free);
    return { busy, free, total, guests, cpuPercent: Math.round(predictedPercent) };
  }
}
