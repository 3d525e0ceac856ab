/** What /proc says of a process. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** State, parent, group and what follows. @throws {Error} when it is gone */
function statOf(pid: number): string[] {
  // Its name stands before them in parentheses and may hold anything.
  return readFileSync(`/proc/${pid}/stat`, "latin1")
    .replace(/^.*\) /s, "")
    .split(" ");
}

/** True while a process is stopped by a signal. */
export function isStopped(pid: number): boolean {
  try {
    return statOf(pid)[0] === "T";
  } catch {
    return false;
  }
}

/** False while a process has a terminal and is not in its foreground: what is typed there is for others. */
export function isForeground(pid: number): boolean {
  try {
    const [, , group, , terminal, foreground] = statOf(pid);
    return terminal === "0" || group === foreground;
  } catch {
    return false;
  }
}

/** Parent of a process; 0: it has none, or is gone. */
export function parentOf(pid: number): number {
  try {
    return Number(statOf(pid)[1]);
  } catch {
    return 0;
  }
}

/**
 * Whether a process has an end of an anonymous pipe open; true also where that is not ours to know.
 * @param numbers - of the descriptors to look at; default: all
 */
export function holdsPipe(pid: number, inode: number, numbers?: readonly number[]): boolean {
  const pipe = `pipe:[${inode}]`;
  const folder = `/proc/${pid}/fd`;
  const leadsThere = (number: number | string): boolean => {
    try {
      return readlinkSync(`${folder}/${number}`) === pipe;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== "ENOENT"; // closed meanwhile, or never open
    }
  };
  try {
    return (numbers ?? readdirSync(folder)).some(leadsThere);
  } catch {
    return true;
  }
}
