/** Disks and network interfaces: counters of whichever are there, each against what itself showed before. */
import { existsSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { CounterFile } from "./counter-file.js";
import { growth, sum } from "./rate.js";

/** Over one interval. */
export interface DiskUse {
  /** Blocks of 1 KiB read and written. */
  readonly blocks: number | null;
  /** Most of the interval that one disk had work, ms. */
  readonly busyMs: number | null;
}

interface Disk {
  readonly sectors: number;
  readonly busyMs: number;
}

/** Not disks, or made of others that are counted. */
const notDisks = /^(?:loop|ram|zram|dm-|md|sr|fd|drbd|bcache|zd)\d/;

/** Whether a device, `MAJOR:MINOR` as control groups name them, is a disk; one that is not to be found counts as one. */
export class DiskNumbers {
  readonly #known = new Map<string, boolean>();

  constructor(private readonly sys: string) {}

  isDisk(number: string): boolean {
    let disk = this.#known.get(number);
    if (disk === undefined) {
      if (this.#known.size > devicesMax) this.#known.clear();
      disk = !notDisks.test(basename(target(`${this.sys}/dev/block/${number}`)));
      this.#known.set(number, disk);
    }
    return disk;
  }
}

const devicesMax = 1000;

/** A counter that fell has wrapped; when all of a device fell, it is another one of the same name, or was reset. */
const isOther = (fell: readonly boolean[]): boolean => fell.every(Boolean);

/** /proc/diskstats: whole disks only. */
export class Disks {
  readonly #file: CounterFile;
  #before = new Map<string, Disk>();
  /** Whether a name is a whole disk, or a part of one. */
  #whole = new Map<string, boolean>();

  constructor(
    proc: string,
    private readonly sys: string,
  ) {
    this.#file = new CounterFile(`${proc}/diskstats`);
  }

  sample(): DiskUse {
    const now = this.#read();
    const before = this.#before;
    this.#before = now ?? new Map<string, Disk>();
    if (!now) return { blocks: null, busyMs: null };
    const sectors: (number | null)[] = [];
    let busyMs: number | null = null;
    for (const [name, disk] of now) {
      const was = before.get(name);
      if (was && isOther([disk.sectors < was.sectors, disk.busyMs < was.busyMs])) continue;
      sectors.push(growth(was?.sectors, disk.sectors));
      const busy = growth(was?.busyMs, disk.busyMs);
      if (busy !== null) busyMs = Math.max(busyMs ?? 0, busy);
    }
    const all = sum(sectors);
    return { blocks: all === null ? null : all / 2, busyMs };
  }

  close(): void {
    this.#file.close();
  }

  #read(): Map<string, Disk> | null {
    const file = this.#file;
    if (!file.read()) return null;
    const found = new Map<string, Disk>();
    do {
      if (file.number() === null || file.number() === null) continue;
      const name = file.word();
      if (notDisks.test(name) || !this.#isWhole(name)) continue;
      // reads, merged, sectors, ms; writes, merged, sectors, ms; under way, ms with work
      const fields = Array.from({ length: 10 }, () => file.number() ?? 0);
      found.set(name, { sectors: (fields[2] ?? 0) + (fields[6] ?? 0), busyMs: fields[9] ?? 0 });
    } while (file.nextLine());
    return found;
  }

  #isWhole(name: string): boolean {
    let whole = this.#whole.get(name);
    if (whole === undefined) {
      if (this.#whole.size > devicesMax) this.#whole.clear();
      whole = existsSync(`${this.sys}/block/${name.replaceAll("/", "!")}`);
      this.#whole.set(name, whole);
    }
    return whole;
  }
}

export interface NetUse {
  /** Received and sent. */
  readonly bytes: number | null;
  readonly packets: number | null;
}

interface Interface {
  readonly bytes: number;
  readonly packets: number;
}

/** /proc/net/dev: hardware where there is any, so that bridges and tunnels do not count twice; else all but loopback. */
export class Interfaces {
  readonly #file: CounterFile;
  #before = new Map<string, Interface>();

  constructor(
    proc: string,
    private readonly sys: string,
  ) {
    this.#file = new CounterFile(`${proc}/self/net/dev`);
  }

  sample(): NetUse {
    const now = this.#read();
    const before = this.#before;
    this.#before = now ?? new Map<string, Interface>();
    if (!now) return { bytes: null, packets: null };
    const all = [...now].flatMap(([name, is]) => {
      const was = before.get(name);
      return was && isOther([is.bytes < was.bytes, is.packets < was.packets]) ? [] : [[was, is] as const];
    });
    return {
      bytes: sum(all.map(([was, is]) => growth(was?.bytes, is.bytes))),
      packets: sum(all.map(([was, is]) => growth(was?.packets, is.packets))),
    };
  }

  close(): void {
    this.#file.close();
  }

  #read(): Map<string, Interface> | null {
    const file = this.#file;
    if (!file.read()) return null;
    const found = new Map<string, Interface>();
    file.nextLine();
    while (file.nextLine()) {
      const name = file.word(0x3a);
      if (name === "" || name === "lo") continue;
      const fields = Array.from({ length: 10 }, () => file.number() ?? 0);
      const [inBytes = 0, inPackets = 0] = fields;
      found.set(name, { bytes: inBytes + (fields[8] ?? 0), packets: inPackets + (fields[9] ?? 0) });
    }
    const hardware = [...found].filter(([name]) => existsSync(`${this.sys}/class/net/${name}/device`));
    return hardware.length > 0 ? new Map(hardware) : found;
  }
}

function target(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return "";
  }
}
