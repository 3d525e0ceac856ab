/** The figures of docs/load.md as Markdown. */
import { mean } from "../figures/stats.js";
import { table } from "../figures/tables.js";
import type { PolicyName } from "./machine.js";
import type { Micro, MicroRun } from "./micro.js";
import type { MixedRun } from "./mixed.js";
import type { SwingRun } from "./swing.js";

export interface MicroRow {
  readonly hosts: string;
  readonly micro: Micro;
  readonly policy: PolicyName;
  readonly runs: readonly MicroRun[];
}

export interface SwingRow {
  readonly name: string;
  readonly runs: Readonly<Record<PolicyName, readonly SwingRun[]>>;
}

export interface MixedRow {
  readonly scheduler: string;
  /** By jobs under way at a time. */
  readonly runs: ReadonlyMap<number, readonly MixedRun[]>;
}

/** What the rows are held against, ms. */
export interface Bounds {
  /** Omniscient with the slots that the hosts have, and without any. */
  readonly omniscientMs: number;
  readonly unslottedMs: number;
  /** With slots, but only of what has been started, by jobs under way at a time. */
  readonly unforeseeingMs: ReadonlyMap<number, number>;
  readonly boundMs: number;
}

export const policies: readonly PolicyName[] = ["cpu", "multi", "adaptive"];

const count = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString("en-US") : value.toFixed(value >= 10 ? 0 : 1);
const seconds = (ms: number): string => `${(ms / 1000).toFixed(0)} s`;

const names: Readonly<Record<Micro, string>> = { cpu: "CPU", io: "I/O", memory: "memory" };
const units: Readonly<Record<Micro, string>> = { cpu: "%", io: "blocks/s", memory: "pages/s" };

export function microTable(rows: readonly MicroRow[]): string {
  const head = [
    "hosts",
    "benchmark",
    "policy",
    "children elsewhere",
    "all done",
    "a child",
    "mean, deviation",
  ];
  return table(
    head,
    rows.map(({ hosts, micro, policy, runs }) => {
      const of = (pick: (run: MicroRun) => number): number => mean(runs.map(pick));
      return [
        hosts,
        names[micro],
        `\`${policy}\``,
        count(of(({ far }) => far)),
        seconds(of(({ makespanMs }) => makespanMs)),
        seconds(of(({ responseMs }) => responseMs)),
        `${count(of(({ average }) => average))}, ${count(of(({ deviation }) => deviation))} ${units[micro]}`,
      ];
    }),
  );
}

export function mixedTable(
  rows: readonly MixedRow[],
  { omniscientMs, unslottedMs, unforeseeingMs, boundMs }: Bounds,
): string {
  const against = (ms: number): string => {
    const percent = Math.round(100 * (ms / omniscientMs - 1));
    return `${percent > 0 ? "+" : ""}${percent} %`;
  };
  const cells = (runs: readonly MixedRun[]): string[] => {
    const lengths = runs.map(({ makespanMs }) => makespanMs);
    const spread = `${seconds(mean(lengths))} (${seconds(Math.min(...lengths))} to ${seconds(Math.max(...lengths))})`;
    return [spread, against(mean(lengths)), `${mean(runs.map(({ unslotted }) => unslotted)).toFixed(0)} %`];
  };
  const parallels = [...(rows[0]?.runs.keys() ?? [])];
  const head = parallels.flatMap((jobs) => [
    `${jobs} at a time: all done`,
    "against omniscient",
    "without a slot",
  ]);
  const alike = (ms: number): string[] => parallels.flatMap(() => [seconds(ms), against(ms), ""]);
  return table(
    ["", ...head],
    [
      ...rows.map(({ scheduler, runs }) => [
        scheduler,
        ...parallels.flatMap((jobs) => cells(runs.get(jobs) ?? [])),
      ]),
      ["omniscient, two jobs at a time on each host", ...alike(omniscientMs)],
      [
        "the same, but only of jobs that have been started",
        ...parallels.flatMap((jobs) => {
          const ms = unforeseeingMs.get(jobs) ?? Number.NaN;
          return [seconds(ms), against(ms), ""];
        }),
      ],
      ["omniscient, as many as memory and disk can take", ...alike(unslottedMs)],
      ["no schedule is shorter than", ...alike(boundMs)],
    ],
  );
}

export function swingTable(rows: readonly SwingRow[]): string {
  return table(
    ["load", ...policies.map((policy) => `\`${policy}\``)],
    rows.map(({ name, runs }) => [
      name,
      ...policies.map((policy) => {
        const most = Math.max(...runs[policy].map(({ changes }) => changes));
        return `${most}; ${mean(runs[policy].map(({ away }) => away)).toFixed(0)} %`;
      }),
    ]),
  );
}
