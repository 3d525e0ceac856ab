/** The indices of a limited control group: what its own tasks use, in version 1 and 2. */
import { join } from "node:path";
import { CounterFile } from "./counter-file.js";
import { growth } from "./rate.js";
import { GroupSwitches } from "./tasks.js";
import type { GroupFiles, World } from "./world.js";

/** Over one interval; null where the group's controllers do not tell. */
export interface GroupUse {
  readonly cpuPercent: number | null;
  /** Blocks of 1 KiB. */
  readonly blocks: number | null;
  readonly ctxt: number | null;
  readonly faults: number | null;
  readonly availableMb: number | null;
  readonly totalMb: number | null;
}

const USAGE = Buffer.from("usage_usec ");
const TOTAL = Buffer.from(" Total ");
const READ_BYTES = Buffer.from("rbytes=");
const WRITTEN_BYTES = Buffer.from("wbytes=");
/** In memory.stat of version 2, and with this prefix, which counts groups below it, in version 1. */
const V1 = "total_";
const MB = 2 ** 20;

export class GroupMeter {
  readonly #cpu: CounterFile | null;
  readonly #io: CounterFile | null;
  readonly #usage: CounterFile | null;
  readonly #stat: CounterFile | null;
  readonly #switches: GroupSwitches | null;
  readonly #keys: Readonly<Record<"faults" | "inactive" | "active", Buffer>>;
  #usedNs: number | null = null;
  #bytes: number | null = null;
  #faults: number | null = null;

  constructor(
    private readonly world: World,
    private readonly files: GroupFiles,
    proc: string,
  ) {
    const { cpuUsage, io, memory, tasks } = files;
    const open = (path: string | undefined) => (path === undefined ? null : new CounterFile(path));
    const name = io?.version === 2 ? "io.stat" : "blkio.throttle.io_service_bytes_recursive";
    const usage = memory?.version === 2 ? "memory.current" : "memory.usage_in_bytes";
    this.#cpu = open(cpuUsage?.file);
    this.#io = open(io ? join(io.folder, name) : undefined);
    this.#usage = open(memory ? join(memory.folder, usage) : undefined);
    this.#stat = open(memory ? join(memory.folder, "memory.stat") : undefined);
    this.#switches = tasks === null ? null : new GroupSwitches(tasks, proc);
    const key = (word: string) => Buffer.from(`${memory?.version === 1 ? V1 : ""}${word} `);
    this.#keys = { faults: key("pgfault"), inactive: key("inactive_file"), active: key("active_file") };
  }

  /** @param machineMb - memory available on the whole machine */
  sample(ms: number, machineMb: number | null): GroupUse {
    const usedNs = this.world.quota?.usedNs() ?? this.#cpuNs();
    const used = growth(this.#usedNs, usedNs);
    this.#usedNs = usedNs;
    const bytes = this.#ioBytes();
    const moved = growth(this.#bytes, bytes);
    this.#bytes = bytes;
    const { faults, availableMb, totalMb } = this.#memory(machineMb);
    const faulted = growth(this.#faults, faults);
    this.#faults = faults;
    return {
      cpuPercent: used === null || ms <= 0 ? null : used / (ms * 1e4 * this.world.cpus),
      blocks: moved === null ? null : moved / 1024,
      ctxt: this.#switches?.growth() ?? null,
      faults: faulted,
      availableMb,
      totalMb,
    };
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
    if (this.files.io?.version === 1) {
      while (file.behind(TOTAL)) bytes += file.number() ?? 0;
      return bytes;
    }
    while (file.behind(READ_BYTES)) {
      bytes += file.number() ?? 0;
      if (file.behind(WRITTEN_BYTES)) bytes += file.number() ?? 0;
    }
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
