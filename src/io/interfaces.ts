/** Which interface carries the cluster's datagrams. */
import { readFileSync } from "node:fs";
import { isIPv4 } from "node:net";
import { networkInterfaces } from "node:os";

/**
 * IPv4 address of the interface to use, or null while there is none. `wanted`: a name, an address, or empty for the
 * interface of the default route (else the first that is not loopback).
 */
export function interfaceAddress(wanted: string): string | null {
  const all = networkInterfaces();
  const addressOf = (name: string) => all[name]?.find((entry) => entry.family === "IPv4")?.address ?? null;
  if (isIPv4(wanted)) {
    const present = Object.values(all).some((entries) => entries?.some((entry) => entry.address === wanted));
    return present || wanted.startsWith("127.") ? wanted : null;
  }
  if (wanted !== "") return addressOf(wanted);
  const outside = Object.keys(all).find((name) => all[name]?.some((e) => e.family === "IPv4" && !e.internal));
  const name = defaultRoute() ?? outside;
  return name === undefined ? null : addressOf(name);
}

/** Name of the interface of the default route with the lowest metric. */
function defaultRoute(): string | undefined {
  let table: string;
  try {
    table = readFileSync("/proc/net/route", "latin1");
  } catch {
    return undefined;
  }
  const routes = table
    .split("\n")
    .slice(1)
    .map((line) => line.split("\t"))
    .filter((fields) => fields[1] === "00000000" && fields[7] === "00000000")
    .sort((a, b) => Number(a[6]) - Number(b[6]));
  return routes[0]?.[0];
}
