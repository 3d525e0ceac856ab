/** Who takes part in a job on the host called wire, and what can happen to each. */
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { until } from "../../src/lab/wait.js";
import type { Bed } from "../helper/bed.js";

export const PARTIES = ["stand-in", "prexd", "agent", "ssh", "host"] as const;
export type Party = (typeof PARTIES)[number];

/** `cut`: the link passes nothing on any more, and nobody is told. */
export const FAULTS = ["kill", "stop", "cut"] as const;
export type Fault = (typeof FAULTS)[number];

/** First words of a process's command line. */
export function wordsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0");
  } catch {
    return [];
  }
}

/** Pids of a party; of `host` all that stands for another host: its agent with all that it started. */
export function pidsOf(bed: Bed, party: Party, standIn: number): number[] {
  if (party === "stand-in") return [standIn];
  const all = bed
    .processes("")
    .map((pid) => ({ pid, argv: wordsOf(pid), name: basename(wordsOf(pid)[0] ?? "") }));
  const having = (test: (argv: string[], name: string) => boolean): number[] =>
    all.filter(({ argv, name }) => test(argv, name)).map(({ pid }) => pid);
  const title = (argv: string[]): string => (argv[0] ?? "").trim();
  if (party === "prexd") return having((argv) => title(argv) === "prexd");
  if (party === "agent") return having((argv) => title(argv) === "prex-agent");
  if (party === "ssh") {
    const relays = having((argv, name) => name === "cat" && argv.length === 2);
    return relays.length > 0 ? relays : having((argv) => argv[1]?.endsWith("/rsh") === true);
  }
  const job = having(
    (argv) => argv.some((word) => word.includes(MARK)) && argv[0]?.endsWith("prex") !== true,
  );
  const keepers = having((argv) => argv[1] === "--keep" || argv[1] === "--hold");
  const named = [...keepers, ...pidsOf(bed, "agent", standIn), ...job].filter((pid) => pid !== standIn);
  return withDescendants(named);
}

/** A host that goes takes everything with it, also what those have started and named otherwise. */
function withDescendants(pids: readonly number[]): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentOf(Number(name));
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = new Set(pids);
  for (const pid of found) for (const child of children.get(pid) ?? []) found.add(child);
  return [...found];
}

const parentOf = (pid: number): number => Number(statOf(pid)[1] ?? -1);

/** State, parent and what else follows a process's name in its stat; empty when there is none. */
function statOf(pid: number): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}

/**
 * Stops a party and returns its pids: again until a look shows none that was not stopped before and all stand still, since
 * a host that goes leaves nothing running that was just being forked. What waits for its vfork's child (D) stands still too.
 */
export async function stop(bed: Bed, party: Party, standIn: number): Promise<number[]> {
  const stopped = new Set<number>();
  await until("a party to stand still", () => {
    const pids = pidsOf(bed, party, standIn).filter((pid) => !stopped.has(pid));
    signalAll(pids, "SIGSTOP");
    for (const pid of pids) stopped.add(pid);
    return pids.length === 0 && [...stopped].every((pid) => "TtDZX".includes(statOf(pid)[0] ?? "X"));
  });
  return [...stopped];
}

/** In every job's script. */
export const MARK = "once=";

export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended meanwhile.
    }
  }
}
