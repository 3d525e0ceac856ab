/** What /proc says of a process. */
import { readFileSync } from "node:fs";

/** True while a process is stopped by a signal. */
export function isStopped(pid: number): boolean {
  try {
    // Its name stands in parentheses and may hold anything.
    return /\) T [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

/** False while a process has a terminal and is not in its foreground: what is typed there is for others. */
export function isForeground(pid: number): boolean {
  try {
    const [, , group, , terminal, foreground] = readFileSync(`/proc/${pid}/stat`, "latin1")
      .replace(/^.*\) /s, "")
      .split(" ");
    return terminal === "0" || group === foreground;
  } catch {
    return false;
  }
}
