/** A machine as its kernel writes it into files, changed by hand: what a sampler reads in a test. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach } from "vitest";
import { Sampler } from "../../../src/io/indices/sampler.js";
import { scratch } from "../support.js";

export interface Machine {
  cpu?: string;
  ctxt?: number;
  intr?: number;
  faults?: number;
  swapped?: number;
  disks?: string[];
  net?: string[];
  io?: number;
}

/** A line of /proc/diskstats. */
export const disk = (name: string, sectorsRead: number, sectorsWritten: number, busyMs: number): string =>
  ` 254       0 ${name} 4 0 ${sectorsRead} 7 8 0 ${sectorsWritten} 5 0 ${busyMs} 12 6 0 0 0 3 1`;
/** A line of /proc/net/dev. */
export const card = (
  name: string,
  inBytes: number,
  inPackets: number,
  outBytes: number,
  outPackets: number,
): string => `  ${name}: ${inBytes} ${inPackets} 0 0 0 0 0 0 ${outBytes} ${outPackets} 0 0 0 0 0 0`;

export class Kernel {
  /** Holds proc, sys and what a test puts beside them. */
  root = "";
  /** The time, ms. */
  now = 0;
  /** Files that are looked at for limits, by their paths. */
  groupFiles: Record<string, string> = {};

  put(file: string, text: string): void {
    const path = join(this.root, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  /** A control group's file below `cg`, for both who look. */
  cg(file: string, text: string): void {
    this.put(`cg/${file}`, text);
    this.groupFiles[join(this.root, "cg", file)] = text;
  }

  machine(state: Machine): void {
    const { cpu = "10 0 5 100 9 1 2 3 0 0", ctxt = 0, intr = 0, faults = 0, swapped = 0, io = 0 } = state;
    const { disks = [disk("vda", 0, 0, 0)], net = [card("eth0", 0, 0, 0, 0)] } = state;
    this.put(
      "proc/stat",
      `cpu  ${cpu}\ncpu0 1 1 1 1\nintr ${intr} 3 4 5\nctxt ${ctxt}\nbtime 1\nprocesses 9\nprocs_running 3\nprocs_blocked 0\n`,
    );
    this.put(
      "proc/vmstat",
      `nr_free_pages 5\npswpin ${swapped}\npswpout 0\npgfault ${faults}\npgmajfault 2\n`,
    );
    this.put("proc/meminfo", "MemTotal:        2048000 kB\nMemFree:  1 kB\nMemAvailable:    1024000 kB\n");
    this.put("proc/diskstats", `${disks.join("\n")}\n`);
    this.put(
      "proc/self/net/dev",
      `Inter-|   Receive\n face |bytes\n    lo: 99 9 0 0 0 0 0 0 99 9 0 0 0 0 0 0\n${net.join("\n")}\n`,
    );
    for (const name of ["cpu", "io", "memory"])
      this.put(
        `proc/pressure/${name}`,
        `some avg10=1.00 avg60=2.00 avg300=3.00 total=${name === "io" ? io : 0}\nfull total=9\n`,
      );
    for (const name of ["vda", "sdb", "loop0", "dm-0"])
      mkdirSync(join(this.root, "sys/block", name), { recursive: true });
  }

  sampler(): Sampler {
    const read = (file: string): string | null => this.groupFiles[file] ?? null;
    return new Sampler({
      proc: join(this.root, "proc"),
      sys: join(this.root, "sys"),
      now: () => this.now,
      read,
    });
  }
}

/** One that is new for each test of a file. */
export function kernel(): Kernel {
  const k = new Kernel();
  const folder = scratch();
  let number = 0;
  beforeEach(() => {
    k.groupFiles = {};
    k.root = join(folder, String((number += 1)));
    k.now = 5000;
    k.machine({});
  });
  return k;
}
