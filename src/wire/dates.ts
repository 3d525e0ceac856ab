/**
 * Whether a datagram is of now, by the wall clocks of its sender and of this host.
 *
 * Replay guards are empty after a start, so for as long as captured traffic could still be of now, nothing dated before
 * the start passes either. "The start" is reckoned back from the present wall clock by the monotonic one: a wall clock
 * that is set meanwhile moves it along.
 */

/**
 * Wall clocks may differ by this much. Hosts that share work share NTP, so seconds would do; half a minute spares a
 * host whose clock is being slewed, and is short enough for the replay guard to remember everyone meanwhile.
 */
export const timeWindowMs = 30_000;
/** How far behind this host's a clock may be for its datagrams to pass in the first `timeWindowMs` after a start. */
export const startSlackMs = 2000;

export class Dates {
  #startedMs: number | undefined;

  /** @param dateMs the sender's wall clock @param wallMs this host's @param nowMs monotonic */
  current(dateMs: number, wallMs: number, nowMs: number): boolean {
    const upMs = nowMs - (this.#startedMs ??= nowMs);
    const earliest = wallMs - Math.min(timeWindowMs, upMs + startSlackMs);
    return dateMs >= earliest && dateMs - wallMs <= timeWindowMs;
  }
}

/** How two clocks differ, in words: `140 s ahead of`, `3 h behind`. */
export function apart(dateMs: number, wallMs: number): string {
  const s = Math.abs(dateMs - wallMs) / 1000;
  const span =
    s < 3600
      ? `${Math.max(1, Math.round(s))} s`
      : s < 172_800
        ? `${Math.round(s / 3600)} h`
        : `${Math.round(s / 86_400)} d`;
  return `${span} ${dateMs > wallMs ? "ahead of" : "behind"}`;
}
