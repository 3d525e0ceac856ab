/** The hosts of the cluster that this one is in, and what programs of ours say there, reached over ssh as this user. */
import { text as readAll } from "node:stream/consumers";
import { askPantsd, NoAnswer } from "../io/control-client.js";
import type { LoadEntry } from "../io/load-record.js";
import { pantsdSocket, runtimeDir } from "../io/paths.js";
import { rshRun, startRemote } from "../io/rsh.js";
import type { HostStatus } from "../wire/control.js";
import { entries } from "./commands/log.js";
import { CommandError } from "./commands/support.js";
import type { HostRecord } from "./stats-series.js";

/** A host that has not answered by then is named, and left out, ms. */
const patienceMs = 20_000;

export interface Problem {
  readonly host: string;
  readonly problem: string;
}

export interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Why it was not started, or that it took too long; else empty. */
  readonly problem: string;
}

/** Runs a whole command line, as `rshRun` makes them, to its end, but not for longer than `ms`. */
export async function runRemote(command: readonly string[], ms = patienceMs): Promise<Said> {
  const child = startRemote(command);
  const timer = setTimeout(() => child.kill("SIGKILL"), ms);
  child.stdin.on("error", () => undefined).end();
  const failed = new Promise<Error | null>((resolve) => {
    child.once("error", resolve);
    child.once("close", () => resolve(null));
  });
  const [stdout, stderr, error] = await Promise.all([readAll(child.stdout), readAll(child.stderr), failed]);
  clearTimeout(timer);
  const late = child.signalCode !== null ? `no answer in ${ms / 1000} s` : "";
  return { status: child.exitCode, stdout, stderr, problem: late || (error?.message ?? "") };
}

/** The load that a host has on record since a moment. */
export async function fetchRecord(
  host: string,
  here: boolean,
  sinceMs: number,
): Promise<HostRecord | Problem> {
  const since = new Date(sinceMs).toISOString();
  if (here) return ownRecord(host, since);
  const rsh = process.env["PANTS_RSH"] ?? "ssh";
  const { stdout, stderr, problem } = await runRemote(
    rshRun(rsh, host, "pants", ["log", "--json", "--since", since]),
  );
  try {
    // Whatever a login prints comes before.
    return record(host, JSON.parse(stdout.slice(stdout.lastIndexOf("\n[") + 1)) as LoadEntry[]);
  } catch {
    return { host, problem: problem || (stderr.trim().split("\n").at(-1) ?? "") || "no record came" };
  }
}

function ownRecord(host: string, since: string): HostRecord | Problem {
  try {
    return record(host, entries({ since }));
  } catch (error) {
    if (error instanceof CommandError) return { host, problem: error.message };
    throw error;
  }
}

const record = (host: string, found: LoadEntry[]): HostRecord | Problem =>
  found.length > 0 ? { host, entries: found } : { host, problem: "it has no load on record since then" };

/** What this host's pantsd says; undefined when none runs. */
export async function ownStatus(): Promise<HostStatus | undefined> {
  try {
    const reply = await askPantsd(pantsdSocket(runtimeDir()), { t: "status", id: 1 });
    return reply.t === "status" ? reply.status : undefined;
  } catch (error) {
    if (error instanceof NoAnswer) return undefined;
    throw error;
  }
}

/** This host's name in its cluster; empty when no pantsd runs here. */
export const ownName = async (): Promise<string> => (await ownStatus())?.host ?? "";

/** Hosts that the leader knows, this one first. */
export async function knownHosts(own: string): Promise<string[]> {
  const reply = await askPantsd(pantsdSocket(runtimeDir()), { t: "hosts", id: 1 });
  const others = reply.t === "hosts" ? reply.hosts.map(({ host }) => host) : [];
  return [...new Set([own, ...others])];
}
