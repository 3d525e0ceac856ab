/** The clocks of a daemon. Timers and leases live by the monotonic one; wall time only dates datagrams. */

/** Monotonic, ms from an arbitrary start. */
export function monotonicMs(): number {
  return performance.now();
}

/** Wall clock, ms since 1970. */
export function wallMs(): number {
  return Date.now();
}
