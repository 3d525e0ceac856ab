/** Load indices (paper, Table 1; `net` is its future work): what one sampling interval measured, and in which unit. */

export const indexNames = ["cpu", "io", "ctxt", "memory", "intr", "net"] as const;
export type IndexName = (typeof indexNames)[number];

/** Units, for people. */
export const indexUnits: Readonly<Record<IndexName, string>> = {
  cpu: "%",
  io: "blocks/s",
  ctxt: "switches/s",
  memory: "pages/s",
  intr: "interrupts/s",
  net: "KiB/s",
};

/** Averages over one interval; null where the kernel, or the control group this host lives in, does not tell. */
export interface Sample {
  /** Percent of the CPUs this host may use, 0 to 100. */
  readonly cpu: number | null;
  /** Blocks of 1 KiB read from and written to disks, a second. */
  readonly io: number | null;
  /** Context switches a second. */
  readonly ctxt: number | null;
  /** Page operations a second: page faults, and pages swapped in and out. */
  readonly memory: number | null;
  readonly intr: number | null;
  /** KiB a second received and sent, loopback left out. */
  readonly net: number | null;
  /** Packets a second, likewise. */
  readonly netPackets: number | null;
  /** Share of the interval in which at least one task was held up for want of it, percent (PSI, "some"). */
  readonly cpuPressure: number | null;
  readonly ioPressure: number | null;
  readonly memoryPressure: number | null;
  /** Share of the interval in which the busiest disk had work, percent. */
  readonly diskBusy: number | null;
  /** Pages swapped in and out a second. */
  readonly swapped: number | null;
  /** Memory that programs could still take without swapping, and all that this host may use, MiB. */
  readonly availableMb: number | null;
  readonly totalMb: number | null;
  /** Tasks that ran or wanted to at the end of the interval. */
  readonly runQueue: number | null;
  /** Part of `cpu` that jobs of other hosts used, percent; 0 when none runs here. */
  readonly guestsCpu: number | null;
}

/** From so much CPU use on, percent, a host is full: what measuring it takes, its programs lack. */
export const fullPercent = 95;

/** Nothing is known: what a sample starts from. */
export const nothingMeasured: Sample = {
  cpu: null,
  io: null,
  ctxt: null,
  memory: null,
  intr: null,
  net: null,
  netPackets: null,
  cpuPressure: null,
  ioPressure: null,
  memoryPressure: null,
  diskBusy: null,
  swapped: null,
  availableMb: null,
  totalMb: null,
  runQueue: null,
  guestsCpu: null,
};
