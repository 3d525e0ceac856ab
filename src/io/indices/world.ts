/**
 * What a host is, to the programs on it: the whole machine, or the limited control group that they all live in (a container,
 * a host of a lab). In a group its own use counts, not the machine's.
 */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import {
  type CpuQuota,
  type CpuUsage,
  cpuQuota,
  type Group,
  groupOf,
  type Read,
  readOrNull,
} from "../cgroup.js";

export interface World {
  /** For people: `the whole machine`, or `control group /x: 0.5 CPUs, 512 MiB`. */
  readonly words: string;
  /** CPUs' worth of time that may be used. */
  readonly cpus: number;
  readonly quota: CpuQuota | null;
  /** Null: the whole machine. */
  readonly group: GroupFiles | null;
}

/** Files of the limited group; null where its controller is not there, or has no group of its own for it. */
export interface GroupFiles {
  /** Folder whose cgroup.procs, with those below, lists its processes. */
  readonly tasks: string | null;
  readonly memory: { readonly version: 1 | 2; readonly folder: string; readonly limitBytes: number } | null;
  readonly io: { readonly version: 1 | 2; readonly folder: string } | null;
  /** Folder with cpu.pressure, io.pressure and memory.pressure. */
  readonly pressure: string | null;
  readonly cpuUsage: CpuUsage | null;
}

/** Looks at limits: CPU quota, CPU set, memory. Where a group has none yet, also at what it could have. */
export function findWorld(totalMb: number | null, read: Read = readOrNull): World {
  const quota = cpuQuota(read);
  const unified = groupOf("", read);
  if (unified) read(join(unified.folders[0] ?? unified.point, "cgroup.controllers"));
  const memory = memoryGroup(unified, totalMb, read);
  const cpuSet = cpuSetGroup(unified, read);
  const allowed = availableParallelism();
  const cpus = quota ? Math.min(quota.cpus, allowed) : allowed;
  const below = quota?.below ?? memory?.below ?? cpuSet ?? null;
  if (below === null) return { words: "the whole machine", cpus, quota, group: null };
  const limits = [
    ...(quota || cpuSet !== null ? [`${Number(cpus.toFixed(2))} CPUs`] : []),
    ...(memory ? [`${Math.round(memory.limitBytes / 2 ** 20)} MiB`] : []),
  ];
  return {
    words: `control group ${below || "/"}: ${limits.join(", ")}`,
    cpus,
    quota,
    group: files(below, unified, memory, quota?.usage ?? null, read),
  };
}

/**
 * The same group in a controller's hierarchy, else this process's own there; null at its root, which is the machine. In a
 * container the group is the root of what is visible ("").
 */
function folderIn(group: Group | null, below: string): string | null {
  if (!group) return null;
  if (below === "") return group.point;
  const same = join(group.point, below);
  const found = group.folders.includes(same) ? same : (group.folders[0] ?? group.point);
  return found === group.point ? null : found;
}

function files(
  below: string,
  unified: Group | null,
  memory: MemoryGroup | null,
  usage: CpuUsage | null,
  read: Read,
): GroupFiles {
  const v2 = folderIn(unified, below);
  const v1 = (controller: string) => folderIn(groupOf(controller, read), below);
  const v2Has = (file: string) => v2 !== null && read(join(v2, file)) !== null;
  const memoryV1 = v1("memory");
  const ioV1 = v1("blkio");
  const cpuV1 = v1("cpuacct");
  return {
    tasks: v2 ?? v1("cpu") ?? memoryV1,
    memory: v2Has("memory.stat")
      ? { version: 2, folder: v2 ?? "", limitBytes: memory?.limitBytes ?? Number.POSITIVE_INFINITY }
      : memoryV1 === null
        ? null
        : { version: 1, folder: memoryV1, limitBytes: memory?.limitBytes ?? Number.POSITIVE_INFINITY },
    io: v2Has("io.stat")
      ? { version: 2, folder: v2 ?? "" }
      : ioV1 === null
        ? null
        : { version: 1, folder: ioV1 },
    pressure: v2Has("io.pressure") ? v2 : null,
    cpuUsage:
      usage ??
      (cpuV1 !== null
        ? { version: 1, file: join(cpuV1, "cpuacct.usage") }
        : v2Has("cpu.stat")
          ? { version: 2, file: join(v2 ?? "", "cpu.stat") }
          : null),
  };
}

interface MemoryGroup {
  readonly below: string;
  readonly limitBytes: number;
}

/** The tightest memory limit that is less than the machine's memory. */
function memoryGroup(unified: Group | null, totalMb: number | null, read: Read): MemoryGroup | null {
  const v1 = groupOf("memory", read);
  const limits = [
    ...(v1?.folders ?? []).map((dir) => [
      dir.slice(v1?.point.length),
      read(join(dir, "memory.limit_in_bytes")),
    ]),
    ...(unified?.folders ?? []).map((dir) => [
      dir.slice(unified?.point.length),
      read(join(dir, "memory.max")),
    ]),
  ];
  let tightest: MemoryGroup | null = null;
  for (const [below, text] of limits) {
    const limitBytes = Number(text?.trim());
    const limited = limitBytes > 0 && totalMb !== null && limitBytes < totalMb * 2 ** 20;
    if (limited && (!tightest || limitBytes < tightest.limitBytes))
      tightest = { below: below ?? "", limitBytes };
  }
  return tightest;
}

/** The group that is kept to fewer CPUs than the root of its hierarchy, if there is one. */
function cpuSetGroup(unified: Group | null, read: Read): string | null {
  const v1 = groupOf("cpuset", read);
  for (const [group, file] of [
    [v1, "cpuset.cpus"],
    [unified, "cpuset.cpus.effective"],
  ] as const) {
    const own = group?.folders[0];
    if (!group || own === undefined || own === group.point) continue;
    const [mine, all] = [own, group.point].map((dir) => read(join(dir, file))?.trim() ?? "");
    if (mine !== "" && all !== "" && mine !== all) return own.slice(group.point.length);
  }
  return null;
}
