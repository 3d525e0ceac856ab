/** pants log: the record of this host's load, interval by interval. */
import { indexNames, nothingMeasured } from "../../core/indices.js";
import { causeWords } from "../../core/policy/words.js";
import { type LoadEntry, readLoad, recordedLoad } from "../../io/load-record.js";
import { CommandError, print, UsageError } from "./support.js";
import { table } from "./table.js";

export interface LogOptions {
  readonly since?: string | undefined;
  readonly n?: number | undefined;
  readonly csv?: boolean | undefined;
  readonly json?: boolean | undefined;
}

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `10m` ago, or a time as Date understands it; ms since 1970. @throws {UsageError} */
export function parseSince(text: string, now: number): number {
  const ago = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text);
  if (ago) return now - Number(ago[1]) * (units[ago[2] ?? ""] ?? 0);
  const time = Date.parse(text);
  if (Number.isNaN(time))
    throw new UsageError(`--since ${text}: 30s, 10m, 2h, 1d, or a time as 2026-01-31T12:00`);
  return time;
}

/** Entries of this host's record, oldest first. @throws {CommandError} @throws {UsageError} */
export function entries({ since, n }: LogOptions): LoadEntry[] {
  if (n !== undefined && !(Number.isInteger(n) && n > 0))
    throw new UsageError("-n: how many entries, 1 or more");
  const file = recordedLoad();
  let all: LoadEntry[];
  try {
    all = readLoad(file);
  } catch (error) {
    throw new CommandError(
      `${file}: cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
    );
  }
  const from = since === undefined ? Number.NEGATIVE_INFINITY : parseSince(since, Date.now());
  const chosen = all.filter(({ timeMs }) => timeMs >= from);
  return n === undefined ? chosen : chosen.slice(-n);
}

export function log(options: LogOptions): void {
  const found = entries(options);
  if (options.json) print(JSON.stringify(found));
  else if (options.csv) print(csv(found));
  else
    print(
      found.length > 0
        ? text(found)
        : `No load is on record in ${recordedLoad()}${options.since === undefined ? "" : " since then"}.`,
    );
}

const measures = Object.keys(nothingMeasured) as (keyof LoadEntry["sample"])[];

function csv(found: readonly LoadEntry[]): string {
  const number = (value: number | null) => (value === null ? "" : String(Number(value.toPrecision(6))));
  const heading = [
    ...["time", "interval_ms", ...measures],
    ...indexNames.map((name) => `${name}_threshold`),
    ...["busy", "lends", "cause", "value", "threshold", "taken", "guests", "slots", "policy", "role"],
  ];
  const rows = found.map((one) => [
    new Date(one.timeMs).toISOString(),
    number(one.intervalMs),
    ...measures.map((name) => number(one.sample[name])),
    ...indexNames.map((name) => number(one.thresholds[name])),
    ...[one.busy ? 1 : 0, one.lends ? 1 : 0, one.cause ?? ""],
    ...(one.cause === null ? ["", ""] : [number(one.value), number(one.threshold)]),
    ...[one.taken, one.guests, one.total, one.policy, one.role],
  ]);
  return [heading, ...rows].map((row) => row.join(",")).join("\n");
}

function text(found: readonly LoadEntry[]): string {
  const whole = (value: number | null) => (value === null ? "-" : String(Math.round(value)));
  return table(
    [
      "TIME",
      ...indexNames.map((name) => `>${name.toUpperCase()}`),
      ">IO WAIT %",
      ">MIB",
      ">SLOTS",
      "ROLE",
      "STATE",
    ],
    found.map((one) => [
      new Date(one.timeMs).toISOString().slice(0, 19),
      ...indexNames.map((name) => whole(one.sample[name])),
      whole(one.sample.ioPressure),
      whole(one.sample.availableMb),
      `${one.taken}/${one.total}`,
      one.role,
      state(one),
    ]),
  );
}

function state({ busy, lends, cause, value, threshold }: LoadEntry): string {
  const why = cause === null ? "" : ` by ${causeWords({ what: cause, value, threshold })}`;
  if (busy) return `busy${lends ? " with its jobs," : ""}${why}`;
  return lends ? "free" : `lends nothing${why}`;
}
