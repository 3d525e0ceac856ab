/** Seeds as they are configured, and the addresses that they have now. */
import { lookup } from "node:dns/promises";
import { isIP, isIPv4, isIPv6 } from "node:net";
import { addressText, type Family, familyOf } from "./address.js";

/** Most entries of the list. */
export const seedsMax = 16;
/** Names are looked up again so often, and more often while no seed answers. */
const lookupMs = 60_000;
const lookupAgainMs = 10_000;

export interface Seed {
  /** A name or an address. */
  readonly host: string;
  /** 0: the cluster's. */
  readonly port: number;
}

/** `host`, `host:port`, `10.0.0.7`, `fd00::1` or `[fd00::1]:7717`; null when it is none of them. */
export function parseSeed(text: string): Seed | null {
  if (isIP(text)) return { host: text, port: 0 };
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? "";
  const port = digits === undefined ? 0 : Number(digits);
  if (bracketed === undefined ? !isName(host) : !isIPv6(host)) return null;
  return port <= 65535 && (digits === undefined || port > 0) ? { host, port } : null;
}

/** Digits and dots alone are an address or a mistake. */
function isName(host: string): boolean {
  return isIPv4(host) || (!/^[\d.]*$/.test(host) && !host.startsWith("-"));
}

/** `problem`: one name or more could not be looked up. */
export interface Resolved {
  readonly addresses: readonly string[];
  readonly problems: readonly string[];
}

/** The addresses of the groups' family that the seeds have, each once. */
export async function resolveSeeds(
  seeds: readonly string[],
  family: Family,
  port: number,
): Promise<Resolved> {
  const problems: string[] = [];
  const each = await Promise.all(
    seeds.map(async (text) => {
      const seed = parseSeed(text);
      if (!seed) return [];
      try {
        const addresses = await addressesOf(seed.host, family);
        return addresses.map((address) => addressText(address, seed.port || port));
      } catch (error) {
        problems.push(`seed ${text}: ${(error as Error).message}`);
        return [];
      }
    }),
  );
  return { addresses: [...new Set(each.flat())], problems };
}

async function addressesOf(host: string, family: Family): Promise<string[]> {
  if (isIP(host)) {
    if (familyOf(host) !== family) throw new Error(`not an ${family} address, as the groups are`);
    return [host];
  }
  const found = await lookup(host, { all: true, family: family === "IPv4" ? 4 : 6 });
  return found.map(({ address }) => address);
}

export interface SeedNamesOptions {
  readonly seeds: readonly string[];
  readonly family: Family;
  /** Of seeds that say none. */
  readonly port: number;
  /** Whether any seed answers. */
  readonly answered: () => boolean;
  readonly onResolved: (resolved: Resolved) => void;
}

/** Looks the seeds' names up, again and again: hosts get other addresses. */
export class SeedNames {
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(private readonly options: SeedNamesOptions) {}

  /** Without seeds it does nothing. */
  start(): void {
    if (this.options.seeds.length > 0) void this.#look();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const { seeds, family, port, answered, onResolved } = this.options;
    const resolved = await resolveSeeds(seeds, family, port);
    if (this.#closed) return;
    onResolved(resolved);
    this.#timer = setTimeout(() => void this.#look(), answered() ? lookupMs : lookupAgainMs).unref();
  }
}
