/** The CPU quota that this process is under, in cgroup v1 or v2, also in a cgroup namespace or a bind mount. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface CpuQuota {
  /** CPUs' worth of time allowed; may be a fraction. */
  readonly cpus: number;
  /** CPU time used so far by everything under the quota, ns. */
  readonly usedNs: () => number;
}

interface Mount {
  /** What of the hierarchy is mounted, and where. */
  readonly root: string;
  readonly point: string;
  readonly type: string;
  readonly options: readonly string[];
}

type Read = (file: string) => string | null;

/** The tightest quota from this process's cgroup up to the root of what is visible; null when there is none. */
export function cpuQuota(read: Read = readOrNull): CpuQuota | null {
  const mounts = parseMounts(read("/proc/self/mountinfo") ?? "");
  let tightest: CpuQuota | null = null;
  for (const line of (read("/proc/self/cgroup") ?? "").split("\n")) {
    const [, controllers = "", path = ""] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const v1 = controllers.split(",").includes("cpu");
    if (!v1 && !(controllers === "" && path !== "")) continue;
    const mount = mounts.find((m) =>
      v1 ? m.type === "cgroup" && m.options.includes("cpu") : m.type === "cgroup2",
    );
    if (!mount) continue;
    for (let dir = within(mount, path); ; dir = dirname(dir)) {
      const quota = v1 ? quotaV1(dir, usageV1(dir, mount, mounts), read) : quotaV2(dir, read);
      if (quota && (!tightest || quota.cpus < tightest.cpus)) tightest = quota;
      if (dir === mount.point || !dir.startsWith(mount.point)) break;
    }
  }
  return tightest;
}

/** Where a cgroup's files are; a path outside of what is mounted (a namespace) means the mount itself. */
function within({ root, point }: Mount, path: string): string {
  const below =
    root === "/" ? path : path === root ? "/" : path.startsWith(`${root}/`) ? path.slice(root.length) : "/";
  return below.startsWith("/..") || below === "/" ? point : join(point, below);
}

/** The same group's accounting, which may be a hierarchy of its own. */
function usageV1(dir: string, cpu: Mount, mounts: readonly Mount[]): string {
  const accounting = mounts.find((m) => m.type === "cgroup" && m.options.includes("cpuacct")) ?? cpu;
  return join(accounting.point, dir.slice(cpu.point.length), "cpuacct.usage");
}

function quotaV1(dir: string, usage: string, read: Read): CpuQuota | null {
  const quota = Number(read(join(dir, "cpu.cfs_quota_us")) ?? -1);
  const period = Number(read(join(dir, "cpu.cfs_period_us")) ?? 0);
  if (!(quota > 0 && period > 0) || read(usage) === null) return null;
  return { cpus: quota / period, usedNs: () => Number(read(usage) ?? Number.NaN) };
}

function quotaV2(dir: string, read: Read): CpuQuota | null {
  const [quota, period] = (read(join(dir, "cpu.max")) ?? "max 0").trim().split(" ").map(Number);
  if (quota === undefined || period === undefined || !(quota > 0 && period > 0)) return null;
  const usedNs = () =>
    Number(/^usage_usec (\d+)/m.exec(read(join(dir, "cpu.stat")) ?? "")?.[1] ?? Number.NaN) * 1000;
  return { cpus: quota / period, usedNs };
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

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return null;
  }
}
