/** What jobs use, and what one like them will need. */
import type { Takes } from "./promises.js";

/** What a finished job used, from its rusage and the clock. */
export interface Use {
  readonly host: string;
  /** User and system time, ms. */
  readonly cpuMs: number;
  /** From its start over there to its end, ms. */
  readonly wallMs: number;
  /** Read from and written to disks, KiB. */
  readonly ioKb: number;
  /** Peak resident memory, MiB. */
  readonly memoryMb: number;
}

/** What a job is expected to need. */
export interface Need {
  /** Time that it computes for in a slot of a host of speed 1, ms. */
  readonly cpuMs: number;
  /** Time in which it waits for disks and others, ms: no faster host makes it shorter. */
  readonly waitMs: number;
  /** User and system time as measured, ms. */
  readonly ownMs: number;
  readonly ioKb: number;
  /** Most that those like it took, nearly; MiB. */
  readonly memoryMb: number;
}

/** What the leader is told of the jobs that a request is for: all zero and empty when nothing is known. */
export interface Wanted {
  /** They live by the disk: a host whose disk is idle suits better than one whose CPUs are. */
  readonly io: boolean;
  /** Memory that each takes, MiB; 0 = little, or not known. */
  readonly memoryMb: number;
  /** Hosts that are known to be fast, the fastest first: worth it for jobs that live by the CPU. */
  readonly prefer: readonly string[];
}

export const anyHost: Wanted = { io: false, memoryMb: 0, prefer: [] };

/** Jobs that take less memory than this fit anywhere, MiB. More than an agent has, whose peak the kernel counts as theirs. */
const memoryMinMb = 128;
/** A job lives by the disk when it moves so much in all, and in each second, and waits longer than it computes; KiB. */
const ioMinKb = 1024;
const ioMinKbPerSecond = 2048;
/** A job that lives by the CPU computes for this share of its time even on a host with a tenth of one that others use too. */
const computesMin = 0.05;

/**
 * What a job computed and waited for, ms. Time in which it neither computed nor moved much data counts as computing, if it
 * computed at all: it waited for its CPU, which a quota or other programs had taken, and that is what a slow host is.
 */
export function partsOf({ cpuMs, wallMs, ioKb }: Use): { cpuMs: number; waitMs: number } {
  const computes = cpuMs >= computesMin * wallMs && ioKb * 1000 < ioMinKbPerSecond * wallMs;
  return computes ? { cpuMs: wallMs, waitMs: 0 } : { cpuMs, waitMs: Math.max(0, wallMs - cpuMs) };
}

export const durationMs = (need: Need, speed: number): number => need.waitMs + need.cpuMs / speed;

export function livesByDisk({ cpuMs, waitMs, ioKb }: Need): boolean {
  const seconds = (cpuMs + waitMs) / 1000;
  return ioKb >= ioMinKb && ioKb >= ioMinKbPerSecond * seconds && waitMs > cpuMs;
}

/** In steps, eight to a factor of two, so that a queue's jobs fall into few classes; 0 when it does not matter. */
export function memoryClass({ memoryMb }: Need): number {
  if (memoryMb < memoryMinMb) return 0;
  const step = 2 ** Math.floor(Math.log2(memoryMb)) / 8;
  return step * Math.ceil(memoryMb / step);
}

/** What it takes of a host beside a slot; nothing of what is not known. */
export function takes(need: Need | null): Takes {
  return need ? { memoryMb: memoryClass(need), io: livesByDisk(need) } : { memoryMb: 0, io: false };
}

/** What was asked for beside a slot, for people; empty when any would do. */
export function wantedWords(need: Need | null): string {
  if (!need) return "";
  const memoryMb = memoryClass(need);
  return [
    ...(livesByDisk(need) ? ["an idle disk was wanted"] : []),
    ...(memoryMb > 0 ? [`${memoryMb} MiB of memory were wanted`] : []),
  ].join(", ");
}
