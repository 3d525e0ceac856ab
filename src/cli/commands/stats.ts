/** pants stats: how the load was spread over the hosts, from their records, fetched as this user over ssh. */
import { text as readAll } from "node:stream/consumers";
import { indexNames, indexUnits } from "../../core/indices.js";
import { askPantsd, NoAnswer } from "../../io/control-client.js";
import type { LoadEntry } from "../../io/load-record.js";
import { pantsdSocket, runtimeDir } from "../../io/paths.js";
import { isHostName, rshRun, startRemote } from "../../io/rsh.js";
import { type HostRecord, overall, type Point, series } from "../stats-series.js";
import { entries, parseSince } from "./log.js";
import { CommandError, print, printJson, UsageError } from "./support.js";
import { clean, table } from "./table.js";

export interface StatsOptions {
  readonly hosts: readonly string[];
  readonly since: string;
  readonly every: number;
  readonly csv?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** A host that has not answered by then is named, and left out, ms. */
const patienceMs = 20_000;

export async function stats(options: StatsOptions): Promise<void> {
  const { since, every, csv, json } = options;
  if (!(every >= 1 && every <= 86_400)) throw new UsageError("--every: seconds, 1 to 86400");
  const sinceMs = parseSince(since, Date.now());
  const strange = options.hosts.find((host) => !isHostName(host));
  if (strange !== undefined) throw new UsageError(`${strange}: not a host name`);
  const own = await ownName();
  const names = options.hosts.length > 0 ? options.hosts : await known(own);
  const fetched = await Promise.all(names.map((host) => fetch(host, host === own, sinceMs)));
  const records = fetched.filter((one): one is HostRecord => !("problem" in one));
  const points = series(records, every * 1000);
  const left = fetched.flatMap((one) => ("problem" in one ? [one] : []));
  for (const { host, problem } of left)
    process.stderr.write(`pants: ${host} is left out: ${clean(problem)}\n`);
  if (records.length === 0) throw new CommandError("no host's record could be read");
  if (json)
    printJson({ hosts: records.map(({ host }) => host), everyS: every, overall: overall(points), points });
  else if (csv) print(csvOf(points));
  else print(tableOf(records, points));
}

interface Problem {
  readonly host: string;
  readonly problem: string;
}

async function fetch(host: string, here: boolean, sinceMs: number): Promise<HostRecord | Problem> {
  const since = new Date(sinceMs).toISOString();
  if (here) return { host, entries: entries({ since }) };
  const child = startRemote(
    rshRun(process.env["PANTS_RSH"] ?? "ssh", host, "pants", ["log", "--json", "--since", since]),
  );
  const timer = setTimeout(() => child.kill("SIGKILL"), patienceMs);
  child.stdin.on("error", () => undefined).end();
  const failed = new Promise<Error | null>((resolve) => {
    child.once("error", resolve);
    child.once("close", () => resolve(null));
  });
  const [out, words, error] = await Promise.all([readAll(child.stdout), readAll(child.stderr), failed]);
  clearTimeout(timer);
  if (child.signalCode !== null) return { host, problem: `no answer in ${patienceMs / 1000} s` };
  try {
    // Whatever a login prints comes before.
    return { host, entries: JSON.parse(out.slice(out.lastIndexOf("\n[") + 1)) as LoadEntry[] };
  } catch {
    return { host, problem: error?.message ?? (words.trim().split("\n").at(-1) || "no record came") };
  }
}

async function ownName(): Promise<string> {
  try {
    const reply = await askPantsd(pantsdSocket(runtimeDir()), { t: "status", id: 1 });
    return reply.t === "status" ? reply.status.host : "";
  } catch (error) {
    if (error instanceof NoAnswer) return "";
    throw error;
  }
}

/** Hosts that the leader knows, and this one. */
async function known(own: string): Promise<string[]> {
  if (own === "") throw new CommandError("no pantsd runs here, so name the hosts: pants stats HOST...");
  const reply = await askPantsd(pantsdSocket(runtimeDir()), { t: "hosts", id: 1 });
  const others = reply.t === "hosts" ? reply.hosts.map(({ host }) => host) : [];
  return [...new Set([own, ...others])];
}

const short = (value: number): string => (value < 100 ? value.toFixed(1) : String(Math.round(value)));

function tableOf(records: readonly HostRecord[], points: readonly Point[]): string {
  const all = overall(points);
  const rows = indexNames.flatMap((name) => {
    const one = all[name];
    return one
      ? [[name, short(one.mean), short(one.deviation), short(one.min), short(one.max), indexUnits[name]]]
      : [];
  });
  const hosts = records.map(({ host }) => host).join(", ");
  return `${records.length} hosts (${hosts}), ${points.length} points in time\n${table(
    ["INDEX", ">MEAN", ">DEVIATION", ">MIN", ">MAX", "UNIT"],
    rows,
  )}`;
}

function csvOf(points: readonly Point[]): string {
  const heading = "time,index,mean,deviation,min,max,hosts";
  const rows = points.flatMap(({ timeMs, indices }) =>
    indexNames.flatMap((name) => {
      const one = indices[name];
      if (!one) return [];
      const { mean, deviation, min, max, hosts } = one;
      const numbers = [mean, deviation, min, max].map((value) => String(Number(value.toPrecision(6))));
      return [[new Date(timeMs).toISOString(), name, ...numbers, hosts].join(",")];
    }),
  );
  return [heading, ...rows].join("\n");
}
