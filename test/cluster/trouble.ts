/** Troubles of a network, and what a cluster's hosts say of themselves meanwhile. */
import type { Host } from "../../src/lab/host.js";
import { which } from "../../src/lab/rights.js";
import { missing, PORT } from "./cluster.js";

/** Why networks cannot be troubled here; empty when they can. */
export const untroubled = missing || (which("nft") === "" ? "no nft (Debian package nftables)" : "");
if (missing === "" && untroubled !== "") console.warn(`tests with lost datagrams are skipped: ${untroubled}`);

/** What of the cluster's datagrams a host does not get, as conditions of nft; none lets all through again. */
export async function deaf(host: Host, ...conditions: readonly string[]): Promise<void> {
  const rules = conditions.map((condition) => `udp dport ${PORT} ${condition} drop`);
  const chain = ["chain input {", "type filter hook input priority 0", ...rules, "}"];
  const table = rules.length === 0 ? [] : ["table inet trouble {", ...chain, "}"];
  const text = ["table inet trouble", "delete table inet trouble", ...table, ""].join("\n");
  const run = await host.run(["sh", "-c", 'printf %s "$1" | nft -f -', "sh", text]);
  if (run.status !== 0) throw new Error(`nft on ${host.name}: ${run.stderr}`);
}

export const lossy = (percent: number): string => `numgen random mod 100 < ${percent}`;
export const sentBy = (hosts: readonly Host[]): string =>
  `ip saddr { ${hosts.map(({ address }) => address).join(", ")} }`;

/** A change of a host's part, as its pantsd logged it. */
export interface Part {
  /** ms since 1970. */
  readonly at: number;
  readonly role: string;
  readonly leader: string;
  readonly epoch: number;
}

export const parts = (host: Host): Part[] =>
  host
    .log("pantsd.log")
    .split("\n")
    .filter((line) => line.includes('"msg":"role"'))
    .map((line) => {
      const { time, role, leader, epoch } = JSON.parse(line) as Omit<Part, "at"> & { time: string };
      return { at: Date.parse(time), role, leader, epoch };
    });

/** Every fall of an epoch on a host, in words; each run of its pantsd begins with epoch 0. */
export function epochsFallen(hosts: readonly Host[]): string[] {
  const falls: string[] = [];
  for (const host of hosts) {
    let before = 0;
    for (const { epoch } of parts(host)) {
      if (epoch !== 0 && epoch < before) falls.push(`${host.name}: ${before} to ${epoch}`);
      before = epoch;
    }
  }
  return falls;
}
