/** Signals for a job. */
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { SIGNAL_FROM_TTY } from "../io/layout.js";
import { native } from "../io/native.js";

const { SIGTSTP, SIGTTIN, SIGTTOU, SIGSTOP } = constants.signals;

/**
 * Sends a signal to a program; one from the terminal goes to the whole session of its holder, but not to that.
 * Returns what was really sent.
 */
export function deliver(pid: number, holder: number, value: number): number {
  const wanted = value & 0xff;
  // The program's group may be orphaned, and the kernel drops the terminal's stop signals for those.
  const stops = wanted === SIGTSTP || wanted === SIGTTIN || wanted === SIGTTOU;
  const signal = stops && !handles(pid, wanted) ? SIGSTOP : wanted;
  if ((value & SIGNAL_FROM_TTY) !== 0) native.killSession(holder, signal, false);
  else native.kill(pid, signal);
  return signal;
}

/** True when a process catches or ignores a signal. */
function handles(pid: number, signal: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    return ["SigCgt", "SigIgn"].some((name) => {
      const mask = new RegExp(`^${name}:\\s*([0-9a-f]+)$`, "m").exec(status)?.[1];
      return mask !== undefined && ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
    });
  } catch {
    return false;
  }
}
