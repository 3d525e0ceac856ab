/** The indices of a limited control group: what its own tasks use, in version 1 and 2. */
import { join } from "node:path";
import { CounterFile } from "./counter-file.js";
import type { DiskNumbers } from "./devices.js";
import { growth } from "./rate.js";
import { GroupTasks, type TasksUse } from "./tasks.js";
import type { GroupFiles, World } from "./world.js";

/** Over one interval; null where the group's controllers do not tell. */
export interface GroupUse {
  /** Used, and wanted while others had the CPUs. */
  readonly cpuPercent: number | null;
  /** How many times what was used that is. */
  readonly wantedFactor: number;
  /** Blocks of 1 KiB. */
  readonly blocks: number | null;
  readonly ctxt: number | null;
  readonly faults: number | null;
  readonly availableMb: number | null;
  readonly totalMb: number | null;
}

const USAGE = Buffer.from("usage_usec ");
/** In memory.stat of version 2, and with this prefix, which counts groups below it, in version 1. */
const V1 = "total_";
const MB = 2 ** 20;

export class GroupMeter {
  readonly #cpu: CounterFile | null;
  readonly #io: CounterFile | null;
  readonly #usage: CounterFile | null;
  readonly #stat: CounterFile | null;
  readonly #tasks: GroupTasks | null;
  readonly #keys: Readonly<Record<"faults" | "inactive" | "active", Buffer>>;
  #usedNs: number | null = null;
  #bytes: number | null = null;
  #faults: number | null = null;

  constructor(
    private readonly world: World,
    private readonly files: GroupFiles,
    { proc, own }: { readonly proc: string; readonly own: number | null },
    private readonly disks: DiskNumbers,
  ) {
    const { cpuUsage, io, memory, tasks } = files;
    const open = (path: string | undefined) => (path === undefined ? null : new CounterFile(path));
    const name = io?.version === 2 ? "io.stat" : "blkio.throttle.io_service_bytes_recursive";
    const usage = memory?.version === 2 ? "memory.current" : "memory.usage_in_bytes";
    this.#cpu = open(cpuUsage?.file);
    this.#io = open(io ? join(io.folder, name) : undefined);
    this.#usage = open(memory ? join(memory.folder, usage) : undefined);
    this.#stat = open(memory ? join(memory.folder, "memory.stat") : undefined);
    // Version 2 knows better: there the kernel also tells whose the pages are that it writes back.
    this.#tasks = tasks === null ? null : new GroupTasks({ folder: tasks, proc, io: io?.version !== 2, own });
    const key = (word: string) => Buffer.from(`${memory?.version === 1 ? V1 : ""}${word} `);
    this.#keys = { faults: key("pgfault"), inactive: key("inactive_file"), active: key("active_file") };
  }

  /**
   * @param machineNs - CPU time that the whole machine used in the same interval; null when it does not tell
   * @param machineMb - memory available on the whole machine
   * @param into - which processes to look into: all, those that were there at the last sample, none
   */
  sample(
    ms: number,
    machineNs: number | null,
    machineMb: number | null,
    into: "all" | "known" | "none",
  ): GroupUse {
    const usedNs = this.#cpuNs();
    const used = growth(this.#usedNs, usedNs);
    this.#usedNs = usedNs;
    const bytes = this.#ioBytes();
    const moved = growth(this.#bytes, bytes);
    this.#bytes = bytes;
    if (into === "none") this.#tasks?.forget();
    const tasks = into === "none" ? null : (this.#tasks?.growth(ms, into === "known") ?? null);
    const { faults, availableMb, totalMb } = this.#memory(machineMb);
    const faulted = growth(this.#faults, faults);
    this.#faults = faults;
    const wanted = used === null ? null : used + kept(used, machineNs, tasks);
    return {
      cpuPercent: wanted === null || ms <= 0 ? null : wanted / (ms * 1e4 * this.world.cpus),
      wantedFactor: used && wanted ? wanted / used : 1,
      blocks: most(moved, tasks?.movedBytes ?? null, 1024),
      ctxt: tasks?.switches ?? null,
      faults: faulted,
      availableMb,
      totalMb,
    };
  }

  /** Percent of its CPUs that it used in the `ms` since the last sample; null when it does not tell. */
  cpuSoFar(ms: number): number | null {
    const used = growth(this.#usedNs, this.#cpuNs());
    return used === null || ms <= 0 ? null : used / (ms * 1e4 * this.world.cpus);
  }

  close(): void {
    for (const file of [this.#cpu, this.#io, this.#usage, this.#stat, this.#tasks]) file?.close();
  }

  #cpuNs(): number | null {
    const file = this.#cpu;
    if (!file?.read()) return null;
    if (this.files.cpuUsage?.version === 1) return file.number();
    const us = file.line(USAGE) ? file.number() : null;
    return us === null ? null : us * 1000;
  }

  /** Read and written, over all devices. */
  #ioBytes(): number | null {
    const file = this.#io;
    if (!file?.read()) return null;
    let bytes = 0;
    do {
      // A line a device (version 2), or one for each of Read, Write, ..., Total (version 1); of all devices last.
      const device = file.word();
      const counts = device.includes(":") && this.disks.isDisk(device);
      if (this.files.io?.version === 1) {
        if (counts && file.word() === "Total") bytes += file.number() ?? 0;
      } else if (counts) bytes += (file.value("rbytes=") ?? 0) + (file.value("wbytes=") ?? 0);
    } while (file.nextLine());
    return bytes;
  }

  #memory(machineMb: number | null): {
    faults: number | null;
    availableMb: number | null;
    totalMb: number | null;
  } {
    const stat = this.#stat;
    if (!stat?.read()) return { faults: null, availableMb: machineMb, totalMb: null };
    const value = (key: Buffer) => (stat.line(key) ? stat.number() : null);
    const faults = value(this.#keys.faults);
    // The kernel drops file pages before it fails a program; those in use cost time to read again.
    const cached = (value(this.#keys.inactive) ?? 0) + (value(this.#keys.active) ?? 0) / 2;
    const used = this.#usage?.read() ? this.#usage.number() : null;
    const limitBytes = this.files.memory?.limitBytes ?? Number.POSITIVE_INFINITY;
    if (used === null || !Number.isFinite(limitBytes))
      return { faults, availableMb: machineMb, totalMb: null };
    const availableMb = Math.max(0, limitBytes - used + cached) / MB;
    return {
      faults,
      availableMb: machineMb === null ? availableMb : Math.min(machineMb, availableMb),
      totalMb: limitBytes / MB,
    };
  }
}

/**
 * CPU time that a group's tasks were kept from by what runs outside it, ns: as stolen time on a virtual machine, it was
 * wanted. They wait for each other too, so it is no more than what the others used.
 */
function kept(usedNs: number, machineNs: number | null, tasks: TasksUse | null): number {
  return Math.min(tasks?.waitedNs ?? 0, Math.max(0, (machineNs ?? 0) - usedNs));
}

/** The larger of two counts, in units of so many: a kernel that throttles nobody counts nothing (version 1). */
function most(a: number | null, b: number | null, unit: number): number | null {
  return a === null && b === null ? null : Math.max(a ?? 0, b ?? 0) / unit;
}
