/** This host's load: indices by the sampling interval, slots more often, and what the policy makes of both. */
import type { LocalLoad } from "../core/events.js";
import { fullPercent, nothingMeasured, type Sample } from "../core/indices.js";
import type { Interval, Policy, Verdict } from "../core/policy/policy.js";

export interface LoadSource {
  /**
   * Indices since the last call; jobs of other hosts took so many slots on average, of all. `sparing`: of a host whose CPUs
   * are known to be full, without what costs most to find out.
   */
  readonly sample: (guestsAverage: number, slotsTotal: number, sparing: boolean) => Sample;
  /** Percent of the CPUs used since then, for little; null when that says nothing. */
  readonly cpuSoFar: () => number | null;
  readonly slots: () => { taken: number; guests: number; beside?: number };
}

export interface LoadSettings {
  readonly intervalMs: number;
  readonly slotsTotal: number;
}

/** Slots are looked at so often while any is taken or leased, and else. */
const pollActiveMs = 50;
const pollIdleMs = 500;
/** An idle host's slots are looked at so much early when it is awake anyway: a wake-up less. */
const pollSlackMs = 120;
/**
 * A host whose CPUs were full of its own programs for so many samples is sampled so many times less often: each sample
 * takes from them. In between only its CPU time is looked at, every so many intervals, and a sample follows as soon as
 * they were not full: at a sample a second it is still free again within 10 s (residence.ts).
 */
const spentAfter = 5;
const spentTimes = 12;
const glanceTimes = 4;
/** The first sample is short, so that a daemon knows its load soon. */
const firstSampleMs = 200;

/** A program uses up to so many times what a sample shows of it, and what it uses is rounded by so much. */
const usesMore = 1.5;
const usesRounded = 0.25;

export class LoadWatch {
  #interval: Interval | null = null;
  taken = 0;
  guests = 0;
  beside = 0;
  /** Programs in slots and beside them, the fewest over this interval so far. */
  #held = 0;
  /** Of them so many used no CPU in the last interval. */
  sleeping = 0;
  /** Integrals of slots taken, and taken by guests, over this interval so far, slot ms. */
  #takenMs = 0;
  #guestsMs = 0;
  #intervalAt: number;
  #polledAt: number;
  #sampleAt: number;
  #glanceAt = Number.POSITIVE_INFINITY;
  #pollAt: number;
  #slackMs = 0;
  /** Samples on end in which its own programs had all of its CPUs. */
  #full = 0;

  constructor(
    private readonly source: LoadSource,
    private current: Policy,
    public settings: LoadSettings,
    now: number,
  ) {
    this.#intervalAt = now;
    this.#polledAt = now;
    this.#pollAt = now;
    this.#sampleAt = now + firstSampleMs;
    source.sample(0, settings.slotsTotal, false);
  }

  /** The last whole one; null before the first. */
  get interval(): Interval | null {
    return this.#interval;
  }

  get sample(): Sample | null {
    return this.#interval?.sample ?? null;
  }

  /** From one sample to the next, as it is now. */
  get intervalMs(): number {
    return (this.spent ? spentTimes : 1) * this.settings.intervalMs;
  }

  /** Its own programs have had all of its CPUs for long, and nobody asks for help: what can wait should. */
  get spent(): boolean {
    return this.#full >= spentAfter;
  }

  get policy(): Policy {
    return this.current;
  }

  /** Judges by another policy from now on, and at once. */
  usePolicy(policy: Policy): void {
    this.current = policy;
    if (this.#interval) policy.sampled(this.#interval);
  }

  wakeAt(): number {
    return Math.min(this.#sampleAt, this.#glanceAt, this.#pollAt);
  }

  /** Looks at what is due: whether a sampling interval has ended, or at least the slots taken have changed. */
  tick(now: number, leased: boolean): "sampled" | "changed" | "same" {
    if (now < Math.min(this.#sampleAt, this.#glanceAt, this.#pollAt - this.#slackMs)) return "same";
    const { taken, guests } = this;
    this.poll(now, leased);
    if (now >= this.#glanceAt && now < this.#sampleAt) this.#glance(now);
    if (now < this.#sampleAt) return taken !== this.taken || guests !== this.guests ? "changed" : "same";
    const ms = now - this.#intervalAt;
    const takenAverage = ms > 0 ? this.#takenMs / ms : this.taken;
    const guestsAverage = ms > 0 ? this.#guestsMs / ms : this.guests;
    const total = this.settings.slotsTotal;
    const sparing = this.spent && this.verdict(now).cause?.what === "cpu";
    const sample = this.source.sample(guestsAverage, total, sparing);
    this.#interval = { at: now, ms, sample, takenAverage, guestsAverage, total };
    this.current.sampled(this.#interval);
    const used = sample.cpu === null ? Number.POSITIVE_INFINITY : (total * sample.cpu) / 100;
    this.sleeping = Math.max(0, Math.floor(this.#held - usesMore * used + usesRounded));
    this.#held = this.taken + this.beside;
    this.#takenMs = 0;
    this.#guestsMs = 0;
    this.#intervalAt = now;
    const idle = this.taken === 0 && !leased;
    const full = idle && (sample.cpu ?? 0) >= fullPercent && !this.verdict(now).lends;
    this.#full = full ? this.#full + 1 : 0;
    this.#sampleAt = now + this.intervalMs;
    this.#glanceAt = this.spent ? now + glanceTimes * this.settings.intervalMs : Number.POSITIVE_INFINITY;
    return "sampled";
  }

  /** At a host that was full: is it still? */
  #glance(now: number): void {
    const cpu = this.source.cpuSoFar() ?? 0;
    if (cpu >= fullPercent && this.taken === 0) this.#glanceAt = now + glanceTimes * this.settings.intervalMs;
    else this.attend();
  }

  /** Looks at the slots now. */
  poll(now: number, leased: boolean): void {
    this.#takenMs += this.taken * (now - this.#polledAt);
    this.#guestsMs += this.guests * (now - this.#polledAt);
    this.#polledAt = now;
    const { taken, guests, beside = 0 } = this.source.slots();
    this.taken = taken;
    this.guests = guests;
    this.beside = beside;
    this.#held = Math.min(this.#held, taken + beside);
    const active = taken > 0 || leased;
    // One that is busy offers no slot that somebody could take first: the next sample tells soon enough.
    const idleMs = this.#interval && !this.verdict(now).lends ? Number.POSITIVE_INFINITY : pollIdleMs;
    this.#pollAt = now + (active ? pollActiveMs : idleMs);
    this.#slackMs = active ? 0 : pollSlackMs;
  }

  /** Somebody asks for help, or it is full no more: what is known of this host should be as new as ever. */
  attend(): void {
    this.#full = 0;
    this.#sampleAt = Math.min(this.#sampleAt, this.#intervalAt + this.settings.intervalMs);
  }

  verdict(now: number): Verdict {
    const { taken, guests } = this;
    return this.current.verdict({ taken, guests, total: this.settings.slotsTotal }, now);
  }

  /** What the cluster is told: a host that does not lend is busy to the others, one that is full has no slot for them. */
  local(now: number): LocalLoad {
    const { lends, full, predictedPercent } = this.verdict(now);
    const total = this.settings.slotsTotal;
    const left = Math.max(0, total - this.taken);
    const free = full ? 0 : left;
    const guests = Math.min(this.guests, total - left);
    const { availableMb, ioPressure, diskBusy } = this.sample ?? nothingMeasured;
    return {
      busy: !lends,
      ...{ free, total, guests },
      cpuPercent: Math.round(predictedPercent),
      availableMb: Math.round(availableMb ?? 0),
      ioPercent: Math.round(Math.min(100, Math.max(ioPressure ?? 0, diskBusy ?? 0))),
    };
  }
}
