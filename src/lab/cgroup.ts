/** Control groups of a lab: limits of each host, accounts of its use, and a list of all that runs on it. Version 1 and 2. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { foldersIn } from "../io/folder.js";
import { LabError } from "./command.js";

/** Quota is refilled so often: short, so that a host at its limit stutters in small steps. */
const PERIOD_US = 20_000;

/** Where control groups can be made, and what can be done there. */
interface Hierarchy {
  readonly root: string;
  readonly version: 1 | 2;
  /** Of version 1 one that is used here, of version 2 all that are used and there: none in a hybrid layout. */
  readonly controllers: readonly string[];
}

/** Limits of a host; undefined = none. */
export interface Limits {
  readonly cpus?: number | undefined;
  readonly memoryMb?: number | undefined;
  /** MiB/s of the disk that temporary files are on, of reading and of writing each. */
  readonly diskMbS?: number | undefined;
}

/** Version 2 calls blkio io. */
const USED = ["cpu", "cpuacct", "memory", "blkio", "io"];

/**
 * Those of cpu, cpuacct, memory and blkio in version 1, and the one tree of version 2, which also without controllers tells
 * each group's pressure.
 */
function hierarchies(): Hierarchy[] {
  const found = new Map<string, Hierarchy>();
  for (const line of readFileSync("/proc/self/mountinfo", "utf8").split("\n")) {
    const [left = "", right = ""] = line.split(" - ");
    const root = left.split(" ")[4] ?? "";
    const [type, , options = ""] = right.split(" ");
    const names = options.split(",");
    if (type === "cgroup") {
      const controllers = USED.filter((name) => names.includes(name));
      if (controllers.length > 0) found.set(root, { root, version: 1, controllers });
    } else if (type === "cgroup2" && existsSync(join(root, "cgroup.controllers"))) {
      const has = readFileSync(join(root, "cgroup.controllers"), "utf8").split(/\s+/);
      found.set(root, { root, version: 2, controllers: USED.filter((name) => has.includes(name)) });
    }
  }
  return [...found.values()];
}

const labName = (id: string): string => `pants-lab-${id}`;

/** The folders of a lab's hosts that exist, of one host or all: what must be joined, emptied and removed. */
function folders(id: string, host?: string): string[] {
  const tops = hierarchies().map(({ root }) => join(root, labName(id)));
  return tops.flatMap((top) =>
    foldersIn(top)
      .filter((name) => host === undefined || name === host)
      .map((name) => join(top, name)),
  );
}

/** What stands in the way of making control groups here; undefined when nothing does. */
export function cgroupTrouble(cpus: number | undefined): string | undefined {
  const all = hierarchies();
  if (!all.some(({ controllers }) => controllers.includes("cpu")))
    return "no cgroup file system with the cpu controller is mounted";
  const probe = all.map(({ root }) => join(root, `${labName("probe")}-${process.pid}`));
  try {
    for (const dir of probe) mkdirSync(dir);
    const limits = ["cpu.cfs_quota_us", "cpu.max"];
    const limited = all.some((hierarchy, i) => {
      handDown(hierarchy, hierarchy.root);
      return limits.some((name) => existsSync(join(probe[i] ?? "", name)));
    });
    return cpus !== undefined && !limited ? "this kernel has no CPU quota for control groups" : undefined;
  } catch (error) {
    return `control groups cannot be made: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    for (const dir of probe) if (existsSync(dir)) rmdirSync(dir);
  }
}

/** Makes the groups of one host. Returns the files that a process joins by. */
export function makeCgroup(id: string, host: string, limits: Limits): string[] {
  return hierarchies().map((hierarchy) => {
    const top = join(hierarchy.root, labName(id));
    const dir = join(top, host);
    handDown(hierarchy, hierarchy.root);
    mkdirSync(top, { recursive: true });
    handDown(hierarchy, top);
    mkdirSync(dir, { recursive: true });
    limit(hierarchy, dir, limits);
    return join(dir, "cgroup.procs");
  });
}

/** Lets the groups below a folder have the controllers: version 2. */
function handDown({ version, controllers }: Hierarchy, dir: string): void {
  if (version === 2)
    for (const name of controllers) writeFileSync(join(dir, "cgroup.subtree_control"), `+${name}`);
}

function limit({ version, controllers }: Hierarchy, dir: string, limits: Limits): void {
  const { cpus, memoryMb, diskMbS } = limits;
  if (cpus !== undefined && controllers.includes("cpu")) {
    const quota = Math.round(cpus * PERIOD_US);
    if (version === 2) writeFileSync(join(dir, "cpu.max"), `${quota} ${PERIOD_US}`);
    else {
      writeFileSync(join(dir, "cpu.cfs_period_us"), String(PERIOD_US));
      writeFileSync(join(dir, "cpu.cfs_quota_us"), String(quota));
    }
  }
  if (memoryMb !== undefined && controllers.includes("memory")) {
    const file = version === 2 ? "memory.max" : "memory.limit_in_bytes";
    writeFileSync(join(dir, file), String(memoryMb * 2 ** 20));
  }
  if (diskMbS !== undefined) limitDisk(version, controllers, dir, Math.round(diskMbS * 2 ** 20));
}

/** Version 1 holds back only those who wait for the disk: what is written later is written by the kernel itself. */
function limitDisk(version: 1 | 2, controllers: readonly string[], dir: string, bytesS: number): void {
  if (version === 2 && controllers.includes("io"))
    writeFileSync(join(dir, "io.max"), `${diskOf(tmpdir())} rbps=${bytesS} wbps=${bytesS}`);
  if (version === 1 && controllers.includes("blkio"))
    for (const way of ["read", "write"])
      writeFileSync(join(dir, `blkio.throttle.${way}_bps_device`), `${diskOf(tmpdir())} ${bytesS}`);
}

/** What stands in the way of limiting the throughput of each host's disk; undefined when nothing does. */
export function diskTrouble(): string | undefined {
  const limits = { 1: "blkio.throttle.write_bps_device", 2: "io.max" } as const;
  const can = (hierarchy: Hierarchy): boolean => {
    const dir = join(hierarchy.root, `${labName("probe")}-${process.pid}`);
    mkdirSync(dir);
    try {
      handDown(hierarchy, hierarchy.root);
      return existsSync(join(dir, limits[hierarchy.version]));
    } finally {
      rmdirSync(dir);
    }
  };
  try {
    diskOf(tmpdir());
    return hierarchies().some(can) ? undefined : "this kernel limits no disk for control groups";
  } catch (error) {
    return (error as Error).message;
  }
}

/** The whole disk that a folder is on, as `major:minor`. @throws {LabError} where there is none, as on tmpfs. */
function diskOf(folder: string): string {
  const { dev } = statSync(folder, { bigint: true });
  const [major, minor] = [(dev >> 8n) & 0xfffn, (dev & 0xffn) | ((dev >> 12n) & 0xfff00n)];
  const at = `/sys/dev/block/${major}:${minor}`;
  if (!existsSync(at)) throw new LabError(`${folder} is on no disk whose throughput could be limited`);
  const disk = existsSync(join(at, "partition")) ? join(realpathSync(at), "..") : at;
  return readFileSync(join(disk, "dev"), "utf8").trim();
}

/** All processes in a lab's groups. */
export function cgroupPids(id: string, host?: string): number[] {
  const lists = folders(id, host).map((dir) => {
    try {
      return readFileSync(join(dir, "cgroup.procs"), "utf8");
    } catch {
      return ""; // Removed while we looked.
    }
  });
  return [...new Set(lists.join("\n").split("\n").filter(Boolean).map(Number))];
}

/** CPU time that a host has used, in seconds. */
export function cgroupCpuSeconds(id: string, host: string): number {
  for (const dir of folders(id, host)) {
    const [v1, v2] = [join(dir, "cpuacct.usage"), join(dir, "cpu.stat")];
    if (existsSync(v1)) return Number(readFileSync(v1, "utf8")) / 1e9;
    const usage = existsSync(v2) ? /^usage_usec (\d+)/m.exec(readFileSync(v2, "utf8"))?.[1] : undefined;
    if (usage) return Number(usage) / 1e6;
  }
  return Number.NaN;
}

/** Removes a lab's groups; false while a process is still in one. */
export function removeCgroups(id: string): boolean {
  const tops = hierarchies().map(({ root }) => join(root, labName(id)));
  for (const dir of [...folders(id), ...tops]) {
    try {
      rmdirSync(dir);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EBUSY" || code === "ENOTEMPTY") return false;
      if (code !== "ENOENT") throw error;
    }
  }
  return true;
}

/** Labs that have control groups here. */
export function labsWithCgroups(): string[] {
  const names = hierarchies().flatMap(({ root }) => readdirSync(root));
  return [...new Set(names.map((name) => /^pants-lab-([0-9a-f]{8})$/.exec(name)?.[1] ?? ""))].filter(Boolean);
}
