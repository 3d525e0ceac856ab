/** What bench/micro's parent and children have written down. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Detail } from "../records.js";

interface Stamp {
  /** Wall clock, s. */
  readonly t: number;
  readonly event: "begin" | "start" | "end" | "done";
  /** From 1. */
  readonly child: number;
  /** As from waitpid. */
  readonly status: number;
}

interface Said {
  readonly host: string;
  readonly units: number;
  readonly unit: string;
  /** Units a second. */
  readonly rate: number;
  /** CPU time, s. */
  readonly cpu: number;
  /** MiB read from and written to the disk. */
  readonly diskMb: number;
}

export interface Child {
  readonly child: number;
  readonly host: string;
  /** As the parent saw it, s since the parent's beginning. */
  readonly start: number;
  readonly end: number;
  readonly rate: number;
  readonly unit: string;
  readonly cpu: number;
  readonly diskMb: number;
}

export interface MicroLog {
  /** Wall clock at the beginning, ms since 1970. */
  readonly beganMs: number;
  readonly seconds: number;
  readonly children: readonly Child[];
}

/** @throws when a child failed, or the log is not whole */
export function readLog(folder: string): MicroLog {
  const stamps = lines(join(folder, "log")) as Stamp[];
  const at = (event: Stamp["event"], child = 0): number => {
    const found = stamps.find((one) => one.event === event && one.child === child);
    if (!found)
      throw new Error(`${folder}/log: no ${event} of ${child === 0 ? "the parent" : `child ${child}`}`);
    return found.t;
  };
  const began = at("begin");
  const numbers = stamps.filter(({ event }) => event === "start").map(({ child }) => child);
  const children = numbers.map((child): Child => {
    const said = lines(join(folder, `child-${child}`))[0] as Said | undefined;
    if (!said) throw new Error(`child ${child} did not say how fast it was`);
    const { host, rate, unit, cpu, diskMb } = said;
    return {
      child,
      host,
      rate,
      unit,
      cpu,
      diskMb,
      start: at("start", child) - began,
      end: at("end", child) - began,
    };
  });
  return { beganMs: began * 1000, seconds: at("done") - began, children };
}

const lines = (file: string): unknown[] =>
  readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown);

const ms = (seconds: number): number => Number(seconds.toFixed(3));

/** Of each child: where it ran, when, how long and how fast; and how many ran elsewhere. */
export function detailOf({ children }: MicroLog, home: string): Detail {
  const each = children.flatMap(({ child, host, start, end, rate, cpu, diskMb }) =>
    Object.entries({ host, start: ms(start), seconds: ms(end - start), rate, cpu, diskMb }).map(
      ([name, value]) => [`child${child}_${name}`, value] as const,
    ),
  );
  const elsewhere = children.filter(({ host }) => host !== home).length;
  return { children: children.length, elsewhere, unit: children[0]?.unit ?? "", ...Object.fromEntries(each) };
}
