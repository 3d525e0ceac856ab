/** The CPU quota that this process is under, in cgroup v1 or v2, also in a cgroup namespace or a bind mount. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface CpuQuota {
  /** CPUs' worth of time allowed; may be a fraction. */
  readonly cpus: number;
  /** Path of the group that has it, below the mount of its hierarchy. */
  readonly below: string;
  readonly usage: CpuUsage;
}

/** The file that tells CPU time used by everything in a group: in ns (version 1), or cpu.stat, in µs. */
export interface CpuUsage {
  readonly version: 1 | 2;
  readonly file: string;
}

interface Mount {
  /** What of the hierarchy is mounted, and where. */
  readonly root: string;
  readonly point: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** A file's text; null when it is not there. */
export type Read = (file: string) => string | null;

/** This process's place in one controller's hierarchy. */
export interface Group {
  readonly version: 1 | 2;
  /** Where the hierarchy is mounted. */
  readonly point: string;
  /** Folders of this process's group and of those above it, as far as they are visible; the mount comes last. */
  readonly folders: readonly string[];
}

/** The hierarchy of a controller of version 1, or the unified one of version 2 (""); null when it is not mounted. */
export function groupOf(controller: string, read: Read = readOrNull): Group | null {
  const mounts = parseMounts(read("/proc/self/mountinfo") ?? "");
  for (const line of (read("/proc/self/cgroup") ?? "").split("\n")) {
    const [, controllers, path = ""] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === "" || !controllers.split(",").includes(controller)) continue;
    const version = controllers === "" ? 2 : 1;
    const mount = mounts.find((m) =>
      version === 1 ? m.type === "cgroup" && m.options.includes(controller) : m.type === "cgroup2",
    );
    if (!mount) continue;
    const folders: string[] = [];
    for (let dir = within(mount, path); ; dir = dirname(dir)) {
      folders.push(dir);
      if (dir === mount.point || !dir.startsWith(mount.point)) break;
    }
    return { version, point: mount.point, folders };
  }
  return null;
}

/** The tightest quota from this process's cgroup up to the root of what is visible; null when there is none. */
export function cpuQuota(read: Read = readOrNull): CpuQuota | null {
  const quotas: CpuQuota[] = [];
  const v1 = groupOf("cpu", read);
  const accounting = groupOf("cpuacct", read);
  for (const dir of v1?.folders ?? []) {
    const below = dir.slice(v1?.point.length);
    const usage = join(accounting?.point ?? v1?.point ?? "", below, "cpuacct.usage");
    const quota = read(usage) === null ? null : quotaV1(dir, below, usage, read);
    if (quota) quotas.push(quota);
  }
  const v2 = groupOf("", read);
  for (const dir of v2?.folders ?? []) {
    const quota = quotaV2(dir, dir.slice(v2?.point.length), read);
    if (quota) quotas.push(quota);
  }
  return quotas.reduce<CpuQuota | null>((a, b) => (a && a.cpus <= b.cpus ? a : b), null);
}

/** Where a cgroup's files are; a path outside of what is mounted (a namespace) means the mount itself. */
function within({ root, point }: Mount, path: string): string {
  const below =
    root === "/" ? path : path === root ? "/" : path.startsWith(`${root}/`) ? path.slice(root.length) : "/";
  return below.startsWith("/..") || below === "/" ? point : join(point, below);
}

function quotaV1(dir: string, below: string, usage: string, read: Read): CpuQuota | null {
  const quota = Number(read(join(dir, "cpu.cfs_quota_us")) ?? -1);
  const period = Number(read(join(dir, "cpu.cfs_period_us")) ?? 0);
  if (!(quota > 0 && period > 0)) return null;
  return { cpus: quota / period, below, usage: { version: 1, file: usage } };
}

function quotaV2(dir: string, below: string, read: Read): CpuQuota | null {
  const [quota, period] = (read(join(dir, "cpu.max")) ?? "max 0").trim().split(" ").map(Number);
  if (quota === undefined || period === undefined || !(quota > 0 && period > 0)) return null;
  return { cpus: quota / period, below, usage: { version: 2, file: join(dir, "cpu.stat") } };
}

function parseMounts(text: string): Mount[] {
  return text.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , root, point] = before.split(" ");
    const [type, , options = ""] = after.split(" ");
    if (root === undefined || point === undefined || type === undefined) return [];
    return [{ root, point, type, options: options.split(",") }];
  });
}

export function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return null;
  }
}
