/** Programs that are about the host that they are called on, marked or not: elsewhere they would hit something else. */
import { basename } from "node:path";

const NAMES: ReadonlySet<string> = new Set(
  [
    // Processes, by number or name.
    "kill pkill killall killall5 skill snice renice fuser",
    // Locks: held by whoever has the open file, which here is this host's.
    "flock",
    // The host itself.
    "mount umount swapon swapoff modprobe insmod rmmod sysctl systemctl service",
    "reboot halt poweroff shutdown init telinit",
  ].flatMap((names) => names.split(" ")),
);

/** @param program - its path */
export function actsAtHome(program: string): boolean {
  return NAMES.has(basename(program));
}
