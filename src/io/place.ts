/**
 * Which namespaces (of mounts, processes, users, network) and root directory a process has, in one number, as
 * native/shim/held.c computes it: a program in others than this host's is in a sandbox, and is not sent out of it.
 */
import { readlinkSync, statSync } from "node:fs";

const spaces = ["mnt", "pid_for_children", "user", "net"] as const;

interface Place {
  /** Device numbers, then inodes. */
  readonly root: readonly bigint[];
  readonly spaces: readonly bigint[];
}

/** This host's: what its first process has, since pantsd's own unit may be in a sandbox; else pantsd's. Never 0. */
export function hostPlace(): number {
  const self = placeOf("self");
  const first = placeOf("1");
  const [, , user, net] = self.spaces;
  const same = first !== null && first.spaces[2] === user && first.spaces[3] === net;
  return number(same ? first : self);
}

/** Of this process. Never 0. */
export const ownPlace = (): number => number(placeOf("self"));

function placeOf(pid: "self"): Place;
function placeOf(pid: string): Place | null;
/** Null when another process's may not be seen. */
function placeOf(pid: string): Place | null {
  const space = (name: string): bigint => BigInt(/\d+/.exec(link(`/proc/${pid}/ns/${name}`))?.[0] ?? 0);
  const root = look(pid === "self" ? "/" : `/proc/${pid}/root/.`);
  if (root === null && pid !== "self") return null;
  const { dev, ino } = root ?? { dev: 0n, ino: 0n };
  return { root: [major(dev), minor(dev), ino], spaces: spaces.map(space) };
}

function number({ root, spaces }: Place): number {
  let hash = 2166136261;
  for (const value of [...root, ...spaces]) {
    for (const half of [value & 0xffff_ffffn, value >> 32n]) hash = Math.imul(hash ^ Number(half), 16777619);
  }
  return hash >>> 0 || 1;
}

const major = (dev: bigint): bigint => ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xffff_f000n);
const minor = (dev: bigint): bigint => (dev & 0xffn) | ((dev >> 12n) & 0xffff_ff00n);

function look(path: string) {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return null;
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
