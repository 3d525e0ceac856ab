/** The clocks of a daemon. Timers and leases live by the monotonic one; wall time only dates datagrams. */
import { native } from "./native.js";

/** Monotonic, ms since the machine was started: it goes on while the machine sleeps, as the other hosts do. */
export function monotonicMs(): number {
  return Number(native.bootTimeNs()) / 1e6;
}

/** Wall clock, ms since 1970. */
export function wallMs(): number {
  return Date.now();
}
