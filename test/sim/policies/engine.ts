/**
 * The resources of one simulated host, shared by what runs on it. A program alternates between computing, waiting for
 * what was paged out meanwhile, and its own reads and writes, in short turns. Knows no cluster: the omniscient
 * scheduler tries its plans on it.
 */
import { aloneMs, diskRate, type HostModel, missing, type Work } from "./model.js";

/** What was used since the host was switched on. Integrals over time. */
export interface Usage {
  /** CPU time, ms: in all, and by guests. */
  cpuMs: number;
  guestsCpuMs: number;
  /** Moved by the disk, and of that to and from swap, MiB. */
  diskMb: number;
  swapMb: number;
  /** Page faults that needed no disk. */
  faults: number;
  /** Time in which somebody waited: for a CPU, for the disk, for memory; ms. */
  cpuWaitMs: number;
  diskWaitMs: number;
  memoryWaitMs: number;
}

export interface Task {
  readonly work: Work;
  readonly guest: boolean;
  readonly ended: () => void;
  readonly turns: number;
  /** Turns that are over. */
  done: number;
  phase: "cpu" | "swap" | "disk";
  /** Of this phase: CPU ms at speed 1, or MiB. */
  left: number;
}

/** A turn is about so long on an idle host of speed 1, ms, and goes through so much memory at most, MiB. */
const turnMs = 100;
const turnMb = 5;
/** Of its CPU time after which a program has its whole working set. */
const growth = 0.1;
/** Less is nothing: CPU ms, MiB. */
const tiny = 1e-6;

export class Engine {
  now: number;
  readonly usage: Usage = {
    cpuMs: 0,
    guestsCpuMs: 0,
    diskMb: 0,
    swapMb: 0,
    faults: 0,
    cpuWaitMs: 0,
    diskWaitMs: 0,
    memoryWaitMs: 0,
  };
  readonly #tasks = new Set<Task>();

  /** @param coarse - turns are so many times longer: for whoever tries many plans */
  constructor(
    readonly host: HostModel,
    now = 0,
    private readonly coarse = 1,
  ) {
    this.now = now;
  }

  /** The same host with the same programs on it, to try a plan on: nobody is told when those end. */
  copy(coarse: number): Engine {
    const copy = new Engine(this.host, this.now, coarse);
    for (const task of this.#tasks) copy.#tasks.add({ ...task, ended: () => undefined });
    return copy;
  }

  get running(): ReadonlySet<Task> {
    return this.#tasks;
  }

  /** Memory in use by programs, MiB. */
  get residentMb(): number {
    let sum = 0;
    for (const { work, done, turns } of this.#tasks)
      sum += work.memoryMb * Math.min(1, (done + 1) / turns / growth);
    return sum;
  }

  /** Starts a program now; `ended` is called when it ends, from `advance`. */
  start(work: Work, guest: boolean, ended: () => void): void {
    const touchedMb = (work.memoryMb * work.passes * work.cpuMs) / 1000;
    const fine = Math.max(aloneMs(work, { ...this.host, speed: 1 }) / turnMs, touchedMb / turnMb);
    const turns = Math.max(1, Math.ceil(fine / this.coarse));
    this.#tasks.add({ work, guest, ended, turns, done: 0, phase: "cpu", left: work.cpuMs / turns });
  }

  /** When something changes next: a phase or a program ends. Infinity when nothing runs. */
  nextAt(): number {
    const rates = this.#rates();
    let ms = Number.POSITIVE_INFINITY;
    for (const task of this.#tasks) ms = Math.min(ms, task.left / rate(task, rates));
    return this.now + ms;
  }

  /** Lets time pass, at most until something changes: `to` must not be after `nextAt`. */
  advance(to: number): void {
    const rates = this.#rates();
    const ms = Math.max(0, to - this.now);
    this.now = Math.max(this.now, to);
    this.#count(rates, ms);
    const over: Task[] = [];
    for (const task of this.#tasks) {
      task.left -= ms * rate(task, rates);
      if (task.left <= tiny && this.#nextPhase(task)) over.push(task);
    }
    for (const task of over) this.#tasks.delete(task);
    for (const task of over) task.ended();
  }

  /** True when that was its last. */
  #nextPhase(task: Task): boolean {
    const { work, turns } = task;
    if (task.phase === "cpu") {
      const touchedMb = (work.memoryMb * work.passes * work.cpuMs) / turns / 1000;
      // A page that comes in drives another one out.
      task.phase = "swap";
      task.left = 2 * missing(this.host, this.residentMb) * touchedMb;
      if (task.left > tiny) return false;
    }
    if (task.phase === "swap") {
      task.phase = "disk";
      task.left = work.ioMb / turns;
      if (task.left > tiny) return false;
    }
    task.done += 1;
    task.phase = "cpu";
    task.left = work.cpuMs / turns;
    return task.done >= turns;
  }

  /** How fast each that computes, and each that waits for the disk, gets on: CPU ms and MiB a ms. */
  #rates(): Rates {
    let computing = 0;
    let swapping = 0;
    let reading = 0;
    for (const { phase } of this.#tasks) {
      if (phase === "cpu") computing += 1;
      else if (phase === "swap") swapping += 1;
      else reading += 1;
    }
    const { cpus, speed } = this.host;
    const streams = swapping + reading;
    const share = Math.min(1, cpus / Math.max(1, computing));
    const disk = diskRate(this.host, streams) / Math.max(1, streams);
    return { cpu: speed * share, disk, share, computing, swapping, streams };
  }

  #count({ cpu, disk, share, computing, swapping, streams }: Rates, ms: number): void {
    const { usage } = this;
    usage.cpuMs += ms * share * computing;
    usage.diskMb += ms * disk * streams;
    usage.swapMb += ms * disk * swapping;
    if (computing > this.host.cpus) usage.cpuWaitMs += ms;
    if (streams > 0) usage.diskWaitMs += ms;
    if (swapping > 0) usage.memoryWaitMs += ms;
    for (const { phase, guest, work } of this.#tasks) {
      if (phase !== "cpu") continue;
      usage.faults += ms * cpu * work.faults;
      if (guest) usage.guestsCpuMs += ms * share;
    }
  }
}

interface Rates {
  readonly cpu: number;
  readonly disk: number;
  /** Of a CPU that each gets that computes. */
  readonly share: number;
  readonly computing: number;
  readonly swapping: number;
  /** Reads, writes and paging under way. */
  readonly streams: number;
}

const rate = ({ phase }: Task, { cpu, disk }: Rates): number => (phase === "cpu" ? cpu : disk);
