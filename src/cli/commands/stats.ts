/** pants stats: how the load was spread over the hosts, from their records, fetched as this user over ssh. */
import { indexNames, indexUnits } from "../../core/indices.js";
import { isHostName } from "../../io/rsh.js";
import { fetchRecord, knownHosts, ownName, type Problem } from "../cluster-hosts.js";
import { type HostRecord, overall, type Point, series } from "../stats-series.js";
import { parseSince } from "./log.js";
import { CommandError, print, printJson, UsageError } from "./support.js";
import { clean, table } from "./table.js";

export interface StatsOptions {
  readonly hosts: readonly string[];
  readonly since: string;
  readonly every: number;
  readonly csv?: boolean | undefined;
  readonly json?: boolean | undefined;
}

export async function stats(options: StatsOptions): Promise<void> {
  const { since, every, csv, json } = options;
  if (!(every >= 1 && every <= 86_400)) throw new UsageError("--every: seconds, 1 to 86400");
  const sinceMs = parseSince(since, Date.now());
  const strange = options.hosts.find((host) => !isHostName(host));
  if (strange !== undefined) throw new UsageError(`${strange}: not a host name`);
  const own = await ownName();
  const names = options.hosts.length > 0 ? options.hosts : await known(own);
  const fetched: (HostRecord | Problem)[] = await Promise.all(
    names.map((host) => fetchRecord(host, host === own, sinceMs)),
  );
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

/** Hosts that the leader knows, and this one. */
function known(own: string): Promise<string[]> {
  if (own === "") throw new CommandError("no pantsd runs here, so name the hosts: pants stats HOST...");
  return knownHosts(own);
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
