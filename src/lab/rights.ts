/** What this machine and user lack for hosts in namespaces of their own. */
import { spawnSync } from "node:child_process";
import { cgroupTrouble } from "./cgroup.js";

const PROGRAMS = [
  ["ip", "iproute2"],
  ["unshare", "util-linux"],
  ["nsenter", "util-linux"],
  ["mount", "mount"],
  ["ssh", "openssh-client"],
  ["sshd", "openssh-server"],
  ["ssh-keygen", "openssh-client"],
] as const;

/** PATH with the folders where Debian keeps the administrator's programs. */
export const adminPath = `${process.env["PATH"] ?? "/usr/bin:/bin"}:/usr/sbin:/sbin`;

/** Absolute path of a program; empty when there is none. */
export function which(program: string): string {
  const found = spawnSync("sh", ["-c", 'command -v "$1"', "sh", program], {
    encoding: "utf8",
    env: { PATH: adminPath },
  });
  return found.status === 0 ? found.stdout.trim() : "";
}

/** In words, one entry for each thing missing; empty when a lab of namespaces can be had. */
export function missingRights(cpus: number | undefined): string[] {
  if (process.getuid?.() !== 0) return ["not root"];
  const absent = PROGRAMS.filter(([program]) => which(program) === "");
  if (absent.length > 0) return absent.map(([program, from]) => `no ${program} (Debian package ${from})`);
  const bridge =
    "ip link add br0 type bridge && ip link add v0 type veth peer name v1 && mount -t tmpfs t /run";
  const tried = spawnSync(
    "unshare",
    ["-m", "-u", "-i", "-n", "-p", "-f", "--mount-proc", "sh", "-c", bridge],
    {
      encoding: "utf8",
      env: { PATH: adminPath },
    },
  );
  if (tried.status !== 0) return [`no namespaces with a bridge: ${tried.stderr.trim()}`];
  const trouble = cgroupTrouble(cpus);
  return trouble === undefined ? [] : [trouble];
}
