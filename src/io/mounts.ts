/** Which file system a device is, as far as /proc/self/mountinfo tells. */
import { readFileSync } from "node:fs";

/** File systems whose source names the same files on every host. */
const NETWORK =
  /^(nfs4?|cifs|smb3?|lustre|ceph|glusterfs|fuse\.(glusterfs|ceph|sshfs|juicefs|s3fs)|gpfs|beegfs|afs|9p|virtiofs|ocfs2|gfs2)$/;

/** `type source` of a network file system with this device number, or "" for anything else. */
export function networkSource(dev: bigint): string {
  const number = `${major(dev)}:${minor(dev)}`;
  let text: string;
  try {
    text = readFileSync("/proc/self/mountinfo", "utf8");
  } catch {
    return "";
  }
  for (const line of text.split("\n")) {
    const fields = line.split(" ");
    if (fields[2] !== number) continue;
    const rest = fields.indexOf("-");
    const type = fields[rest + 1] ?? "";
    if (rest > 0 && NETWORK.test(type)) return `${type} ${fields[rest + 2] ?? ""}`;
  }
  return "";
}

const major = (dev: bigint): bigint => ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
const minor = (dev: bigint): bigint => (dev & 0xffn) | ((dev >> 12n) & ~0xffn & 0xffffffffn);
