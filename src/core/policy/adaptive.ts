/**
 * The default policy. Each index is held against what is normal on this host, beside what its jobs usually add; waiting
 * for disk or memory (pressure), a saturated disk and too little room in memory count wherever the kernel tells. Rules
 * and constants are explained in docs/load.md.
 */
import { type IndexName, indexNames, type Sample } from "../indices.js";
import { Baseline, type Bounds, calmBelow, readNormal, someTaken } from "./baseline.js";
import { CpuPolicy } from "./cpu.js";
import { isCalm, isOver, worst } from "./finding.js";
import {
  type Cause,
  diskCauses,
  type Finding,
  type Interval,
  type Policy,
  type Slots,
  type Thresholds,
  type Verdict,
} from "./policy.js";
import { Residence } from "./residence.js";
import { Room } from "./room.js";
import { cpuJudged, cpuThreshold, type LoadSettings } from "./settings.js";

type Learned = Exclude<IndexName, "cpu">;

/**
 * Of one CPU, or (io, net) of a host. A CPU that does nothing else switches or faults several times as often as its floor:
 * what fills the CPUs is the CPU index's business, and what fills a disk shows as pressure.
 */
function boundsFor(cpus: number): Readonly<Record<Learned, Bounds>> {
  return {
    io: { floor: 100_000, perSlot: 50_000, perSlotMax: 200_000 },
    ctxt: { floor: 20_000 * cpus, perSlot: 5000, perSlotMax: 50_000 },
    memory: { floor: 500_000 * cpus, perSlot: 300_000, perSlotMax: 1_000_000 },
    intr: { floor: 20_000 * cpus, perSlot: 5000, perSlotMax: 50_000 },
    net: { floor: 100_000, perSlot: 20_000, perSlotMax: 100_000 },
  };
}

/** Percent of an interval in which some task waited for disk or memory, or the disk had work without a break. */
const ioPressureMax = 50;
const memoryPressureMax = 15;
const diskBusyMax = 90;
/** Pages swapped a second: a host that needs its swap has no memory to lend. */
const swappedMax = 500;

interface Judged extends Finding {
  /** On the good side of this it is calm. */
  readonly calm: number;
}

export class AdaptivePolicy implements Policy {
  readonly name = "adaptive";
  readonly #cpu: CpuPolicy;
  readonly #cpuThreshold: number;
  readonly #byHand: LoadSettings["thresholds"];
  readonly #room: Room;
  readonly #baselines: Readonly<Record<Learned, Baseline>>;
  readonly #residence = new Residence();
  /** Memory at the end of the last interval. */
  #availableMb: number | null = null;
  /** As of the last interval that was over. */
  #cause: Finding | null = null;
  /** Nothing but the disk was over then. */
  #onlyDisk = false;

  constructor(settings: LoadSettings, learned?: unknown) {
    this.#cpu = new CpuPolicy(settings);
    this.#cpuThreshold = settings.thresholds.cpu ?? cpuThreshold;
    this.#byHand = settings.thresholds;
    this.#room = new Room(settings.roomMb);
    const known = (typeof learned === "object" && learned !== null ? learned : {}) as Record<string, unknown>;
    const bounds = boundsFor(settings.cpus);
    const baseline = (name: Learned) => new Baseline(bounds[name], readNormal(known[name]));
    this.#baselines = {
      io: baseline("io"),
      ctxt: baseline("ctxt"),
      memory: baseline("memory"),
      intr: baseline("intr"),
      net: baseline("net"),
    };
  }

  sampled(interval: Interval): void {
    const { at, ms, sample, takenAverage } = interval;
    this.#cpu.sampled(interval);
    const found = this.#judge(interval);
    const over = worst(found);
    this.#residence.step(over !== null, found.every(isCalm), at, takenAverage);
    if (over) this.#onlyDisk = found.every((one) => !isOver(one) || diskCauses.has(one.what));
    if (over) this.#cause = { what: over.what, value: over.value, threshold: over.threshold };
    if (!this.#residence.busy) this.#learn(sample, takenAverage, ms);
    this.#availableMb = sample.availableMb;
  }

  verdict(slots: Slots): Verdict {
    const { value, predictedPercent, busy: cpuBusy } = this.#cpu.judge(slots);
    // What CPU use turns to when a job begins or ends counts at once; what was measured keeps its residence.
    const cpu = { what: "cpu", value, threshold: this.#cpuThreshold } as const;
    const busy = this.#residence.busy || cpuBusy;
    const cause = cpuBusy ? cpu : busy ? this.#cause : null;
    // What its jobs brought keeps no one out whom it does not hurt: the leader knows which disks are idle.
    const { byJobs } = this.#residence;
    const lends = !busy || (byJobs && !cpuBusy);
    return { busy, lends, full: byJobs && !this.#onlyDisk, cause, predictedPercent };
  }

  thresholds(): Thresholds {
    const rest = indexNames.map((name) => [name, name === "cpu" ? null : this.#threshold(name)] as const);
    return { ...(Object.fromEntries(rest) as Thresholds), cpu: this.#cpu.thresholds().cpu };
  }

  learned(): unknown {
    return Object.fromEntries(Object.entries(this.#baselines).map(([name, { normal }]) => [name, normal]));
  }

  #threshold(name: Learned): number {
    return this.#byHand[name] ?? this.#baselines[name].threshold;
  }

  #learn(sample: Sample, takenAverage: number, ms: number): void {
    for (const name of Object.keys(this.#baselines) as Learned[]) {
      const value = sample[name];
      if (value !== null) this.#baselines[name].learn(value, takenAverage, ms);
    }
  }

  /** Everything that is known of, over its threshold or not. */
  #judge(interval: Interval): Judged[] {
    const { sample, takenAverage, total } = interval;
    const found: Judged[] = [];
    const fixed = (what: Cause, value: number | null, threshold: number): void => {
      if (value !== null) found.push({ what, value, threshold, calm: calmBelow(threshold, 0) });
    };
    for (const name of Object.keys(this.#baselines) as Learned[]) {
      const value = sample[name];
      if (value === null) continue;
      const baseline = this.#baselines[name];
      const threshold = this.#threshold(name);
      const calm = Math.min(baseline.calm, calmBelow(threshold, 0));
      found.push({ what: name, value: baseline.beside(value, takenAverage), threshold, calm });
    }
    fixed("io-pressure", sample.ioPressure, ioPressureMax);
    fixed("memory-pressure", sample.memoryPressure, memoryPressureMax);
    fixed("disk-busy", sample.diskBusy, diskBusyMax);
    fixed("swapping", sample.swapped, swappedMax);
    found.push(...this.#roomLeft(interval));
    if (cpuJudged(this.#cpuThreshold) && sample.cpu !== null) {
      // Jobs may end at once, and do: only what is beside them is here to stay.
      const beside = Math.max(0, sample.cpu - (100 * takenAverage) / Math.max(1, total));
      fixed("cpu", beside, this.#cpuThreshold);
    }
    return found;
  }

  /**
   * Whether there will be memory for one more job at the next look: where it fills up, and not with jobs, that one would be
   * too late.
   */
  #roomLeft(interval: Interval): Judged[] {
    const { availableMb } = interval.sample;
    const needed = this.#room.needed(interval);
    if (availableMb === null || needed === null || needed <= 0) return [];
    const before = interval.takenAverage < someTaken ? this.#availableMb : null;
    const falling = Math.max(0, (before ?? availableMb) - availableMb);
    const value = availableMb < needed ? availableMb : Math.max(0, availableMb - falling);
    return [{ what: "room", value, threshold: needed, calm: 1.25 * needed }];
  }
}
