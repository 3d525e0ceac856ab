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
