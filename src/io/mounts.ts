/** Which file system a device is, as far as /proc/self/mountinfo tells. */
import { readFileSync } from "node:fs";

/** File systems whose source names the same files on every host. */
const NETWORK =
  /^(nfs4?|cifs|smb3?|lustre|ceph|glusterfs|fuse\.(glusterfs|ceph|sshfs|juicefs|s3fs)|gpfs|beegfs|afs|9p|virtiofs|ocfs2|gfs2)$/;

/** Those, and file systems of programs, which may be anywhere. */
const CHANGED_ELSEWHERE = new RegExp(`${NETWORK.source}|^fuse`);

/** What is known of devices, and until when, performance.now(): jobs come by the hundred, mounts do not. */
const known = new Map<bigint, boolean>();
let knownUntil = 0;
const KNOWN_MS = 2000;

/** Whether other hosts may change what is on this device while our kernel has it cached. */
export function changedElsewhere(dev: bigint): boolean {
  const now = performance.now();
  if (now > knownUntil) {
    known.clear();
    knownUntil = now + KNOWN_MS;
  }
  const before = known.get(dev);
  const is = before ?? CHANGED_ELSEWHERE.test(mountOf(dev).type);
  if (before === undefined) known.set(dev, is);
  return is;
}

/** `type source` of a network file system with this device number, or "" for anything else. */
export function networkSource(dev: bigint): string {
  const { type, source } = mountOf(dev);
  return NETWORK.test(type) ? `${type} ${source}` : "";
}

/** Type of the file system with this device number, or "a file system". */
export function fileSystemType(dev: bigint): string {
  return mountOf(dev).type || "a file system";
}

export interface Mount {
  readonly type: string;
  readonly source: string;
  /** Of the file system, as in mountinfo. */
  readonly options: string;
}

/**
 * Whether what is cached of a file system is right by the server's leases alone, of which those know nothing who work on the
 * server itself, beside Samba.
 * @param otherType - of the other host's file system with the same files
 */
export function missesWrites({ type, options }: Mount, otherType: string): boolean {
  const smb = /^(cifs|smb3)$/;
  return smb.test(type) && !smb.test(otherType) && !options.split(",").includes("cache=none");
}

export function mountOf(dev: bigint): Mount {
  const number = `${major(dev)}:${minor(dev)}`;
  let text = "";
  try {
    text = readFileSync("/proc/self/mountinfo", "utf8");
  } catch {
    // No /proc: nothing is known.
  }
  for (const line of text.split("\n")) {
    const fields = line.split(" ");
    if (fields[2] !== number) continue;
    const rest = fields.indexOf("-");
    if (rest > 0)
      return {
        type: fields[rest + 1] ?? "",
        source: fields[rest + 2] ?? "",
        options: fields[rest + 3] ?? "",
      };
  }
  return { type: "", source: "", options: "" };
}

const major = (dev: bigint): bigint => ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
const minor = (dev: bigint): bigint => (dev & 0xffn) | ((dev >> 12n) & ~0xffn & 0xffffffffn);
