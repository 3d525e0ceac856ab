/** All load indices of this host, once an interval. Where the numbers come from: docs/load.md. */
import { join } from "node:path";
import { fullPercent, type Sample } from "../../core/indices.js";
import type { Read } from "../cgroup.js";
import { monotonicMs } from "../clock.js";
import { CounterFile } from "./counter-file.js";
import { DiskNumbers, Disks, type DiskUse, Interfaces } from "./devices.js";
import { GroupMeter } from "./group.js";
import { Limits } from "./limits.js";
import { Pressure } from "./pressure.js";
import { growth, sum } from "./rate.js";
import { SessionsCpu, type SessionsUse } from "./sessions.js";
import type { World } from "./world.js";

export interface SamplerOptions {
  /** Where /proc and /sys are, and what the time is: for tests. */
  readonly proc?: string;
  readonly sys?: string;
  readonly now?: () => number;
  readonly read?: Read;
}

const CPU = Buffer.from("cpu ");
const CTXT = Buffer.from("ctxt ");
const INTR = Buffer.from("intr ");
const RUNNING = Buffer.from("procs_running ");
const FAULTS = Buffer.from("pgfault ");
const SWAPPED_IN = Buffer.from("pswpin ");
const SWAPPED_OUT = Buffer.from("pswpout ");
const TOTAL = Buffer.from("MemTotal:");
const AVAILABLE = Buffer.from("MemAvailable:");

/** Clock ticks a second in /proc/PID/stat: USER_HZ, 100 on every architecture of Linux that PANTS runs on. */
const ticksPerSecond = 100;

/** Counters of the machine, as read last. */
interface Counters {
  readonly cpuUsed: number | null;
  readonly cpuPossible: number | null;
  /** CPUs that are in use now. */
  readonly cpus: number;
  readonly ctxt: number | null;
  readonly intr: number | null;
  readonly faults: number | null;
  readonly swapped: number | null;
}

const noCounters: Counters = {
  cpuUsed: null,
  cpuPossible: null,
  cpus: 0,
  ctxt: null,
  intr: null,
  faults: null,
  swapped: null,
};

const noDisks: DiskUse = { blocks: null, busyMs: null };

export class Sampler {
  readonly #limits: Limits;
  #world: World;
  readonly #stat: CounterFile;
  readonly #vmstat: CounterFile;
  readonly #meminfo: CounterFile;
  #disks: Disks;
  readonly #interfaces: Interfaces;
  #pressures: Readonly<Record<"cpu" | "io" | "memory", Pressure>>;
  #group: GroupMeter | null;
  readonly #sessions: SessionsCpu;
  readonly #now: () => number;
  readonly #proc: string;
  readonly #sys: string;
  #before = noCounters;
  #at: number;
  #runQueue: number | null = null;
  #availableMb: number | null = null;
  #totalMb: number | null = null;
  #cpu = 0;
  /** The last interval's CPU time was left out as too little for it: the next one is taken as it is. */
  #doubted = false;

  constructor({ proc = "/proc", sys = "/sys", now = monotonicMs, read }: SamplerOptions = {}) {
    this.#now = now;
    this.#proc = proc;
    this.#sys = sys;
    this.#stat = new CounterFile(join(proc, "stat"));
    this.#vmstat = new CounterFile(join(proc, "vmstat"));
    this.#meminfo = new CounterFile(join(proc, "meminfo"));
    this.#disks = new Disks(proc, sys);
    this.#interfaces = new Interfaces(proc, sys);
    this.#sessions = new SessionsCpu(proc);
    this.#limits = new Limits(read);
    this.#readMemory();
    this.#world = this.#limits.find(this.#totalMb);
    this.#group = this.#groupMeter();
    this.#pressures = this.#pressureFiles();
    this.#at = now();
    this.sample();
  }

  /** What is measured; another object when limits have changed, as seen by the last sample. */
  get world(): World {
    return this.#world;
  }

  /**
   * Averages since the last call.
   * @param guests - leaders of the sessions in which jobs of other hosts run
   * @param slots - taken by such jobs on average since the last call, of `total`
   * @param sparing - not to look into the processes of a limited control group: nothing of their context switches, then
   */
  sample(guests: readonly number[] = [], slots = 0, total = 1, sparing = false): Sample {
    const now = this.#now();
    const ms = Math.max(0, now - this.#at);
    this.#at = now;
    if (this.#limits.changed()) this.#lookAgain();
    const perSecond = (count: number | null) => (count === null || ms <= 0 ? null : (count * 1000) / ms);
    const machine = this.#machine(ms);
    const disks = this.#group ? noDisks : this.#disks.sample();
    const net = this.#interfaces.sample();
    this.#readMemory();
    // On a full host, to look into every process that came would take from them.
    const full = this.#cpu >= fullPercent && guests.length === 0 && slots === 0;
    const into = sparing ? "none" : full ? "known" : "all";
    const group = this.#group?.sample(ms, machine.cpuNs, this.#availableMb, into) ?? null;
    const cpu = this.#percent(group ? group.cpuPercent : machine.cpuPercent);
    const sessions = this.#sessions.growth(guests);
    const own = group ?? {
      ctxt: machine.ctxt,
      faults: machine.faults,
      blocks: disks.blocks,
      availableMb: this.#availableMb,
      totalMb: this.#totalMb,
    };
    return {
      cpu,
      io: perSecond(own.blocks),
      ctxt: perSecond(own.ctxt),
      memory: perSecond(sum([own.faults, machine.swapped !== null && !group ? machine.swapped : null])),
      intr: group ? null : perSecond(machine.intr),
      net: perSecond(net.bytes === null ? null : net.bytes / 1024),
      netPackets: perSecond(net.packets),
      cpuPressure: this.#pressures.cpu.percent(ms),
      ioPressure: this.#pressures.io.percent(ms),
      memoryPressure: this.#pressures.memory.percent(ms),
      diskBusy: group || disks.busyMs === null || ms <= 0 ? null : Math.min(100, (100 * disks.busyMs) / ms),
      swapped: group ? null : perSecond(machine.swapped),
      availableMb: own.availableMb,
      totalMb: own.totalMb,
      runQueue: group ? null : this.#runQueue,
      guestsCpu: Math.min(
        100,
        this.#share(sessions.ticks * (group?.wantedFactor ?? 1), ms) +
          this.#ended(sessions, slots, total, ms),
      ),
    };
  }

  /** Percent of the CPUs used since the last sample, from one file; null when that says nothing. */
  cpuSoFar(): number | null {
    const ms = this.#now() - this.#at;
    if (this.#group) return this.#group.cpuSoFar(ms);
    const now = this.#stat.read() ? this.#readCpu() : null;
    const used = growth(this.#before.cpuUsed, now?.used ?? null);
    const possible = growth(this.#before.cpuPossible, now?.possible ?? null);
    return used === null || !possible ? null : (100 * used) / possible;
  }

  /** Counters begin anew, perhaps of another group: this interval says nothing of them. */
  #lookAgain(): void {
    this.#group?.close();
    this.#disks.close();
    this.#disks = new Disks(this.#proc, this.#sys);
    for (const pressure of Object.values(this.#pressures)) pressure.close();
    this.#world = this.#limits.find(this.#totalMb);
    this.#group = this.#groupMeter();
    this.#pressures = this.#pressureFiles();
  }

  #groupMeter(): GroupMeter | null {
    const { group } = this.#world;
    if (!group) return null;
    const own = this.#proc === "/proc" ? process.pid : null;
    return new GroupMeter(this.#world, group, { proc: this.#proc, own }, new DiskNumbers(this.#sys));
  }

  #pressureFiles(): Readonly<Record<"cpu" | "io" | "memory", Pressure>> {
    const { group } = this.#world;
    const at = (name: string) =>
      group ? join(group.pressure ?? "/nonexistent", `${name}.pressure`) : join(this.#proc, "pressure", name);
    return { cpu: new Pressure(at("cpu")), io: new Pressure(at("io")), memory: new Pressure(at("memory")) };
  }

  /** Percent of the CPUs in so many clock ticks. */
  #share(ticks: number, ms: number): number {
    const possible = (ms / 1000) * ticksPerSecond * this.world.cpus;
    return possible > 0 ? Math.min(100, (100 * ticks) / possible) : 0;
  }

  /**
   * Percent of the CPUs that jobs used which have ended since the last call: nobody counts it any more, so it is taken to
   * be all that their slots' time was worth. Without this many short jobs would look like the owner's own work.
   */
  #ended({ whole, freshTicks }: SessionsUse, slots: number, total: number, ms: number): number {
    const fresh = ms > 0 ? (freshTicks * 1000) / (ms * ticksPerSecond) : 0;
    return (100 * Math.max(0, slots - whole - fresh)) / Math.max(1, total, this.world.cpus);
  }

  /** What was known last where an interval says nothing: it was too short, or the counter was set back. */
  #percent(percent: number | null): number {
    if (percent !== null && Number.isFinite(percent)) this.#cpu = Math.min(100, Math.max(0, percent));
    return this.#cpu;
  }

  #machine(ms: number) {
    const before = this.#before;
    const now = this.#read();
    this.#before = now;
    const used = growth(before.cpuUsed, now.cpuUsed);
    const possible = growth(before.cpuPossible, now.cpuPossible);
    // The idle time of a CPU that was taken out, or put in, may be set back: less than half of what went by says nothing.
    const tooLittle = (possible ?? 0) < (now.cpus * ms * ticksPerSecond) / 2000;
    const doubtful = tooLittle && !this.#doubted;
    this.#doubted = doubtful;
    return {
      cpuPercent: used === null || !possible || doubtful ? null : (100 * used) / possible,
      cpuNs: used === null ? null : (used / ticksPerSecond) * 1e9,
      ctxt: growth(before.ctxt, now.ctxt),
      intr: growth(before.intr, now.intr),
      faults: growth(before.faults, now.faults),
      swapped: growth(before.swapped, now.swapped),
    };
  }

  /** Of vmstat only where the machine's count: a group tells its own. */
  #read(): Counters {
    let { cpuUsed, cpuPossible, cpus, ctxt, intr, faults, swapped } = noCounters;
    const stat = this.#stat;
    if (stat.read()) {
      const cpu = this.#readCpu();
      if (cpu) {
        cpuUsed = cpu.used;
        cpuPossible = cpu.possible;
        while (stat.nextLine() && stat.word().startsWith("cpu")) cpus += 1;
      }
      ctxt = stat.line(CTXT) ? stat.number() : null;
      intr = stat.line(INTR) ? stat.number() : null;
      this.#runQueue = stat.line(RUNNING) ? stat.number() : null;
    }
    const vmstat = this.#vmstat;
    if (!this.#group && vmstat.read()) {
      faults = vmstat.line(FAULTS) ? vmstat.number() : null;
      swapped = sum([SWAPPED_IN, SWAPPED_OUT].map((key) => (vmstat.line(key) ? vmstat.number() : null)));
    }
    return { cpuUsed, cpuPossible, cpus, ctxt, intr, faults, swapped };
  }

  /** Clock ticks of all CPUs, of what was read last; then at the lines of single ones. */
  #readCpu(): { readonly used: number; readonly possible: number } | null {
    const stat = this.#stat;
    if (!stat.line(CPU)) return null;
    const fields = Array.from({ length: 8 }, () => stat.number() ?? 0);
    const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = fields;
    // Stolen time was wanted and not had; waiting for I/O is idle (paper, section 2.1).
    const used = user + nice + system + irq + softirq + steal;
    return { used, possible: used + idle + iowait };
  }

  #readMemory(): void {
    const file = this.#meminfo;
    const there = file.read();
    const mb = (key: Buffer) => {
      const kb = there && file.line(key) ? file.number() : null;
      return kb === null ? null : kb / 1024;
    };
    this.#totalMb = mb(TOTAL);
    this.#availableMb = mb(AVAILABLE);
  }
}
