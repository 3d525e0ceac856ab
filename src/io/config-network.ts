/** The [network] table: what a host needs to know to find the others. */
import { isIP, isIPv4, isIPv6 } from "node:net";
import { hostname } from "node:os";
import * as v from "valibot";
import { familyOf } from "./address.js";
import { parseSeed, seedsMax } from "./seed-names.js";

const nameForm = /^[A-Za-z0-9._][A-Za-z0-9._-]{0,62}$/;
export const name = v.pipe(v.string(), v.regex(nameForm, "1 to 63 of A-Z a-z 0-9 . _ -, not - first"));

const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535));
const group = v.pipe(
  v.string(),
  v.check(
    (text) => (isIPv4(text) && isMulticast4(text)) || (isIPv6(text) && /^ff[0-9a-f]{2}:[^%]*$/i.test(text)),
    "a multicast address: 224.0.0.0 to 239.255.255.255, or ff00::/8",
  ),
);
const seed = v.pipe(
  v.string(),
  v.check((text) => parseSeed(text) !== null, 'a host, "host:port", an address or "[address]:port"'),
);

export const networkSchema = v.pipe(
  v.strictObject({
    /** Name or address of the interface that carries multicast; empty = the one of the default route. */
    interface: v.optional(v.string(), ""),
    leader_group: v.optional(group, "239.255.77.1"),
    free_group: v.optional(group, "239.255.77.2"),
    port: v.optional(port, 7717),
    ttl: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255)), 1),
    /** Hosts that pass the groups' datagrams on where multicast does not reach. */
    seeds: v.optional(v.pipe(v.array(seed), v.maxLength(seedsMax)), []),
    /** What other hosts give to ssh to reach this one; empty = this host's name. */
    name: v.optional(v.union([name, v.literal("")]), ""),
  }),
  v.forward(
    v.check((n) => n.leader_group !== n.free_group, "must not be the leader group too"),
    ["free_group"],
  ),
  v.forward(
    v.check(
      (n) => familyOf(n.leader_group) === familyOf(n.free_group),
      "both groups must be IPv4, or both IPv6",
    ),
    ["free_group"],
  ),
  v.forward(
    v.check(
      (n) => isIP(n.interface) === 0 || familyOf(n.interface) === familyOf(n.free_group),
      "an address of another family than the groups'",
    ),
    ["interface"],
  ),
);

export type NetworkConfig = v.InferOutput<typeof networkSchema>;

/** What this host is called in the cluster, now: it may be renamed while pantsd runs. */
export function hostName(network: Pick<NetworkConfig, "name">): string {
  return network.name || hostname();
}

export function isHostName(text: string): boolean {
  return nameForm.test(text);
}

function isMulticast4(address: string): boolean {
  const first = Number(address.split(".")[0]);
  return first >= 224 && first <= 239;
}
