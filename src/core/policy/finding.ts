/** Findings against their thresholds. */
import type { Finding } from "./policy.js";

/** How far over: 1 at the threshold. Of memory's room there may be too little, of everything else too much. */
function excess({ what, value, threshold }: Finding): number {
  return what === "room" ? threshold / Math.max(value, 1e-9) : value / threshold;
}

/** What is most over its threshold; null when nothing is. */
export function worst<F extends Finding>(found: readonly F[]): F | null {
  let most: F | null = null;
  for (const one of found) if (isOver(one) && (!most || excess(one) > excess(most))) most = one;
  return most;
}

export function isOver({ what, value, threshold }: Finding): boolean {
  return what === "room" ? value < threshold : value >= threshold;
}

/** Not over, and by a margin. */
export function isCalm({ what, value, calm }: Finding & { readonly calm: number }): boolean {
  return what === "room" ? value > calm : value < calm;
}
