/** How a host reaches the others, for `pants status`. */

export interface NetworkState {
  readonly using: { readonly name: string; readonly address: string } | null;
  /** Why no interface is used. */
  readonly trouble: string;
}

export interface SeedsState {
  readonly count: number;
  /** Hosts that this one is a seed for. */
  readonly serving: number;
  readonly reach: { readonly verdict: "unknown" | "yes" | "no" };
  answering(now: number): number;
}

export function networkWords({ using, trouble }: NetworkState, seeds: SeedsState, now: number): string {
  if (!using) return `no network: ${trouble}`;
  const serves = seeds.serving > 0 ? `; a seed for ${plural(seeds.serving, "host")}` : "";
  const place = `${using.name} ${using.address}`;
  if (seeds.count === 0) return `multicast, ${place}${serves}`;
  const some = `${seeds.answering(now)} of ${plural(seeds.count, "seed")}`;
  const { verdict } = seeds.reach;
  if (verdict === "yes") return `multicast, ${place}; ${some} in reserve${serves}`;
  const why = verdict === "no" ? "does not reach this host" : "was not heard yet";
  return `${some}, since multicast ${why} (${place})${serves}`;
}

export function networkWarnings(seeds: SeedsState, now: number): string[] {
  if (seeds.count === 0 || seeds.reach.verdict === "yes" || seeds.answering(now) > 0) return [];
  const none = seeds.count === 1 ? "the seed does not answer" : `none of ${seeds.count} seeds answers`;
  return [`${none}, and multicast does not reach this host: programs run here until one of them does`];
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
