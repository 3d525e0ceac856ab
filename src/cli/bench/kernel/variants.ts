/** The ways in which the same build is run. */

import { distcc, pump } from "../peers/distcc.js";
import { icecream } from "../peers/icecream.js";
import type { Peer } from "../peers/peer.js";
import { sshRoundRobin } from "../peers/ssh.js";

/** The compiler's mark, and the policy that hosts have. */
interface Pants {
  readonly policy: string;
  readonly never: boolean;
}

export interface Variant {
  readonly name: string;
  /** Undefined: PANTS takes no part. */
  readonly pants?: Pants;
  readonly peer?: Peer;
  /** Only the home host takes part. */
  readonly alone?: boolean;
  /** A host is killed when a third of the time that the build took before is over, and another joins. */
  readonly trouble?: boolean;
}

export const PEERS: readonly Peer[] = [distcc, pump, icecream, sshRoundRobin];

/** All that can be had on a lab, in the order of the paper's figure 11, then the peers, then trouble. */
export function labVariants(policies: readonly string[]): Variant[] {
  const last = policies.at(-1) ?? "adaptive";
  return [
    { name: "local", alone: true },
    { name: "gcc never", pants: { policy: last, never: true } },
    ...policies.map((policy) => ({ name: policy, pants: { policy, never: false } })),
    ...PEERS.map((peer) => ({ name: peer.name, peer })),
    { name: "a host killed, one joins", pants: { policy: last, never: false }, trouble: true },
  ];
}
