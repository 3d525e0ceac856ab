/** When is a host busy? What every policy takes and says. Pure: time comes in as a number. */
import { type IndexName, indexNames, indexUnits, type Sample } from "../indices.js";

/**
 * What can keep a host from being free: the indices; the share of time in which tasks waited for disk or memory, or in which
 * a disk had work; swapping; too little memory for one more job; and this host's own work, which only ends its lending.
 * In the order of enum pants_index (native/include/pants.h), which numbers them from 1.
 */
export const causes = [
  ...indexNames,
  "io-pressure",
  "memory-pressure",
  "disk-busy",
  "swapping",
  "room",
  "owner",
] as const;
export type Cause = (typeof causes)[number];

/** What a saturated disk shows as. */
export const diskCauses: ReadonlySet<Cause> = new Set<Cause>(["io", "io-pressure", "disk-busy"]);

/** Units, for people. */
export const causeUnits: Readonly<Record<Cause, string>> = {
  ...indexUnits,
  "io-pressure": "% of the time",
  "memory-pressure": "% of the time",
  "disk-busy": "% of the time",
  swapping: "pages/s",
  room: "MiB",
  owner: "% of the CPUs",
};

/** One sampling interval, at its end. */
export interface Interval {
  /** Its end, ms of a monotonic clock, and its length. */
  readonly at: number;
  readonly ms: number;
  readonly sample: Sample;
  /** Slots taken on average over it, by anybody, and by jobs of other hosts. */
  readonly takenAverage: number;
  readonly guestsAverage: number;
  /** Slots in force. */
  readonly total: number;
}

/** Slots now. */
export interface Slots {
  readonly taken: number;
  readonly guests: number;
  readonly total: number;
}

/** Something over its threshold, or (`room`) under it. In the cause's unit. */
export interface Finding {
  readonly what: Cause;
  readonly value: number;
  readonly threshold: number;
}

export interface Verdict {
  /** This host's own marked programs had better run elsewhere. */
  readonly busy: boolean;
  /** It is in the free group, and others may run jobs here. While busy only if nothing but its jobs makes it so. */
  readonly lends: boolean;
  /** It has no slot for others all the same, since it could not carry one more job. */
  readonly full: boolean;
  /** Why it is busy, or does not lend; null when neither. */
  readonly cause: Finding | null;
  /** What CPU use will be with the slots as they are taken now, percent, 0 to 100. */
  readonly predictedPercent: number;
}

/** Thresholds in force; null: that index is not judged, or not yet. */
export type Thresholds = Readonly<Record<IndexName, number | null>>;

export interface Policy {
  readonly name: "cpu" | "multi" | "adaptive";
  /** An interval has ended. */
  sampled(interval: Interval): void;
  /** Any time; cheap. */
  verdict(slots: Slots, now: number): Verdict;
  thresholds(): Thresholds;
  /** What it has learned of this host, to be kept over a restart: JSON. */
  learned(): unknown;
}
