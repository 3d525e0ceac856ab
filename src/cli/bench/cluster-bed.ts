/** The real cluster that this host is in. Nothing is started there but what PANTS itself starts; its settings are set back. */
import { spawn } from "node:child_process";
import { hostname } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../io/paths.js";
import { rshProgram, rshRun } from "../../io/rsh.js";
import { ended, type Result } from "../../lab/command.js";
import { TimeoutError, until } from "../../lab/wait.js";
import type { HostStatus } from "../../wire/control.js";
import { fetchRecord, knownHosts, ownStatus, runRemote, type Said } from "../cluster-hosts.js";
import { prex } from "../demo/build.js";
import { type Bed, rest } from "./beds.js";
import { curve } from "./curves.js";
import { Unavailable } from "./experiment.js";
import { shim } from "./shim.js";

export interface ClusterBedOptions {
  /** Whose load is measured and policy set, home first. */
  readonly hosts: readonly string[];
  /** Undefined: as it is. */
  readonly policy: string | undefined;
  /** A line for the user. */
  readonly say: (line: string) => void;
}

/** Longer than a cluster is without a leader. */
const LEADERLESS_MS = 10_000;

/** This host, and those that are named; none: all that the leader knows. @throws {Unavailable} when no pantsd runs here */
export async function clusterHosts(asked: readonly string[]): Promise<readonly string[]> {
  const { host } = await here();
  if (asked.length > 0) return [...new Set([host, ...asked])];
  // Between two leaders, as when this host was it and has just become busy, nobody is known.
  const others = async (): Promise<string[] | undefined> => {
    const known = await knownHosts(host);
    return known.length > 1 ? known : undefined;
  };
  return until("other hosts", others, { ms: LEADERLESS_MS, every: 250 }).catch((error: unknown) => {
    if (error instanceof TimeoutError) return [host];
    throw error;
  });
}

async function here(): Promise<HostStatus> {
  const own = await ownStatus();
  if (!own) throw new Unavailable("no pantsd answers here: is it started? pants status says more");
  return own;
}

/** @throws {Unavailable} when no pantsd runs here, or the policy cannot be set */
export async function clusterBed({ hosts: names, policy, say }: ClusterBedOptions): Promise<Bed> {
  const own = await here();
  const preload = shim();
  const rsh = process.env["PANTS_RSH"] ?? "ssh";
  const before = policy === undefined ? [] : await setPolicy(names, own.host, policy);
  // The helper runs from now on: whoever uses PANTS every day has one.
  await runHere([prex, "true"], {});
  return {
    hosts: names,
    ...{ nodename: hostname(), policy: policy ?? own.policy, cpus: 0, disk: "" },
    run: (argv, pants, env) => runHere(argv, { ...env, ...(pants ? { LD_PRELOAD: preload } : {}) }),
    watchOthers: () => () => undefined,
    everywhere: async (argv, env) => {
      const here = await runHere(argv, env);
      if (here.status !== 0) throw new Error(`${argv.join(" ")}: ${here.stderr}`);
      for (const host of names.slice(1)) {
        const said = await runRemote(rshProgram(rsh, host, argv, env), 600_000);
        if (said.status !== 0) throw new Unavailable(`${argv.join(" ")} on ${host}: ${wordsOf(said)}`);
      }
    },
    curves: async (fromMs, untilMs, zeroMs) => {
      await rest(2); // in which the interval that the run ended in comes to be on record
      const fetched = await Promise.all(
        names.map((host) => fetchRecord(host, host === own.host, fromMs - 1000)),
      );
      return fetched.flatMap((one) => {
        if ("problem" in one) {
          say(`the load of ${one.host} is left out: ${one.problem}`);
          return [];
        }
        const during = one.entries.filter(({ timeMs, intervalMs }) => timeMs - intervalMs <= untilMs);
        return [curve(one.host, during, fromMs, zeroMs)];
      });
    },
    close: async () => {
      for (const { host, policy: old } of before) await setPolicy([host], own.host, old).catch(say);
    },
  };
}

interface Set {
  readonly host: string;
  readonly policy: string;
}

/** Sets the policy of hosts. Returns what it was. @throws {Unavailable} with everything as it was */
async function setPolicy(hosts: readonly string[], own: string, policy: string): Promise<Set[]> {
  const before: Set[] = [];
  try {
    for (const host of hosts) {
      const status = await pants(host, own, ["status", "--json"]);
      const { policy: old } = JSON.parse(status.slice(status.indexOf("{"))) as { policy: string };
      if (old === policy) continue;
      await pants(host, own, ["set", "policy", policy]);
      before.push({ host, policy: old });
    }
    return before;
  } catch (error) {
    for (const { host, policy: old } of before) await pants(host, own, ["set", "policy", old]);
    throw new Unavailable(`policy ${policy} cannot be set: ${(error as Error).message}`);
  }
}

async function pants(host: string, own: string, args: readonly string[]): Promise<string> {
  const command =
    host === own
      ? [join(packageRoot, "bin", "pants"), ...args]
      : rshRun(process.env["PANTS_RSH"] ?? "ssh", host, "pants", args);
  const said = await runRemote(command);
  if (said.status !== 0 || said.problem !== "")
    throw new Error(`${host}: pants ${args.join(" ")}: ${wordsOf(said)}`);
  return said.stdout;
}

const wordsOf = ({ problem, stderr, status }: Said): string =>
  problem || stderr.trim() || `status ${String(status)}`;

function runHere(argv: readonly string[], env: Readonly<Record<string, string>>): Promise<Result> {
  const [command = "", ...args] = argv;
  const own = { ...process.env, ...env };
  delete own["PANTS_DISABLE"]; // which `pants` sets for itself
  if (!("LD_PRELOAD" in env)) delete own["LD_PRELOAD"];
  return ended(spawn(command, args, { env: own, stdio: ["ignore", "pipe", "pipe"] }));
}
