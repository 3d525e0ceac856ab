/** Load curves of a run, from the records that hosts keep. */
import { join } from "node:path";
import { indexNames } from "../../core/indices.js";
import { type LoadEntry, readLoad } from "../../io/load-record.js";
import type { Host } from "../../lab/host.js";
import { Lab } from "../../lab/lab.js";
import type { Curve } from "./records.js";

/** What a lab's host has on record of its load. */
export const labLoad = (host: Host): LoadEntry[] => readLoad(join(host.runtime, "kept", "load"));

/** The part of a host's record that begins not before `fromMs`, ms since 1970, seen from `zeroMs`. */
export function curve(host: string, entries: readonly LoadEntry[], fromMs: number, zeroMs: number): Curve {
  const during = entries.filter(({ timeMs, intervalMs }) => timeMs - intervalMs >= fromMs);
  const indices = indexNames.flatMap((name) => {
    const values = during.map(({ sample }) => sample[name]);
    return values.some((value) => value !== null) ? [[name, values.map(short)] as const] : [];
  });
  return {
    host,
    t: during.map(({ timeMs, intervalMs }) => short((timeMs - intervalMs / 2 - zeroMs) / 1000)),
    indices: Object.fromEntries(indices),
  };
}

/** Six digits are more than a sample has. */
function short<T extends number | null>(value: T): T {
  return (value === null ? null : Number(value.toPrecision(6))) as T;
}

/** The load of all hosts of a lab since a moment, ms since 1970. */
export const labCurves = (lab: Pick<Lab, "hosts">, fromMs: number, zeroMs = fromMs): Curve[] =>
  lab.hosts.map((host) => curve(host.name, labLoad(host), fromMs, zeroMs));
