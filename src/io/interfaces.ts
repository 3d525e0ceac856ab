/** Which interface carries the cluster's datagrams, and under which address of it this host is reached. */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { type Family, familyOf, isLinkLocal, scopedTo, splitAddress } from "./address.js";

export interface Interface {
  readonly name: string;
  /** Of the wanted family; link-local only when there is no other, and then with its scope. */
  readonly address: string;
}

type Interfaces = NodeJS.Dict<NetworkInterfaceInfo[]>;

/**
 * The interface to use, or null while there is none. `wanted`: a name, an address, or empty for the interface of the
 * default route (else the first that is not loopback).
 */
export function chooseInterface(
  wanted: string,
  family: Family,
  all: Interfaces = networkInterfaces(),
): Interface | null {
  if (isIP(wanted)) return withAddress(wanted, all);
  if (wanted !== "") return named(wanted, family, all);
  const outside = Object.keys(all).filter((name) => all[name]?.some((entry) => !entry.internal));
  for (const name of [defaultRoute(family), ...outside]) {
    const found = name === undefined ? null : named(name, family, all);
    if (found) return found;
  }
  return null;
}

/** Whether what this host's socket at `origin` is reached by: its address, or another of this host with its port. */
export function isOwnAddress(text: string, origin: string): boolean {
  if (text === origin) return true;
  if (origin === "") return false;
  const [address, port] = splitAddress(text);
  if (port !== splitAddress(origin)[1]) return false;
  const outside = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  return outside.some((entry) => !entry.internal && entry.address === address.replace(/%.*/, ""));
}

function named(name: string, family: Family, all: Interfaces): Interface | null {
  const addresses = (all[name] ?? [])
    .filter((entry) => entry.family === family)
    .map((entry) => entry.address);
  const address = addresses.find((each) => !isLinkLocal(each)) ?? addresses[0];
  return address === undefined ? null : { name, address: scopedTo(address, name) };
}

function withAddress(wanted: string, all: Interfaces): Interface | null {
  const [plain, scope] = wanted.split("%");
  for (const [name, entries] of Object.entries(all)) {
    if (scope !== undefined && scope !== name) continue;
    if (entries?.some(({ address }) => address === plain)) return { name, address: scopedTo(wanted, name) };
  }
  // Every address of 127.0.0.0/8 is this host's.
  return familyOf(wanted) === "IPv4" && wanted.startsWith("127.") ? { name: "lo", address: wanted } : null;
}

/** Name of the interface of the default route with the lowest metric. */
function defaultRoute(family: Family): string | undefined {
  const routes = family === "IPv4" ? routes4() : routes6();
  return routes.sort((a, b) => a.metric - b.metric)[0]?.name;
}

interface Route {
  readonly name: string;
  readonly metric: number;
}

function routes4(): Route[] {
  return lines("/proc/net/route")
    .map((line) => line.split("\t"))
    .filter((fields) => fields[1] === "00000000" && fields[7] === "00000000")
    .map((fields) => ({ name: fields[0] ?? "", metric: Number(fields[6]) }));
}

function routes6(): Route[] {
  const reject = 0x200;
  return lines("/proc/net/ipv6_route")
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => /^0{32}$/.test(fields[0] ?? "") && fields[1] === "00")
    .filter((fields) => (Number.parseInt(fields[8] ?? "0", 16) & reject) === 0)
    .map((fields) => ({ name: fields[9] ?? "", metric: Number.parseInt(fields[5] ?? "0", 16) }));
}

function lines(file: string): string[] {
  try {
    return readFileSync(file, "latin1").split("\n");
  } catch {
    return [];
  }
}
