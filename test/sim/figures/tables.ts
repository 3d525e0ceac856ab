/** The figures as Markdown. */
import type { Failover } from "./failover.js";
import type { Herd, Placement } from "./herd.js";
import type { Rates } from "./rates.js";
import { median, most, quantile } from "./stats.js";

export interface FailoverRow {
  readonly hosts: number;
  readonly loss: number;
  readonly runs: readonly Failover[];
}

export interface RatesRow {
  readonly hosts: number;
  readonly jobsPerSecond: number;
  readonly loss: number;
  readonly rates: Rates;
}

export interface HerdRow {
  readonly placement: Placement;
  readonly herd: Herd;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const count = (value: number): string => Math.round(value).toLocaleString("en-US");
const seconds = (ms: number): string => (ms / 1000).toFixed(2);
/** Two digits that count, or whole numbers. */
const rate = (value: number): string =>
  value >= 10 ? count(value) : value === 0 ? "0" : value.toFixed(value < 1 ? 2 : 1);

export function failoverTable(rows: readonly FailoverRow[]): string {
  const head = ["hosts", "loss", "kills", "next grant, free host", "next grant, busy host", "all agree"];
  const pair = (sample: readonly number[]): string =>
    `${seconds(median(sample))}, ${seconds(quantile(sample, 0.99))}`;
  return table(
    head,
    rows.map(({ hosts, loss, runs }) => [
      count(hosts),
      `${loss * 100} %`,
      count(runs.length),
      pair(runs.map((run) => run.free)),
      pair(runs.map((run) => run.busy)),
      pair(runs.map((run) => run.agree)),
    ]),
  );
}

export function electionTable(rows: readonly FailoverRow[]): string {
  const head = [
    "hosts",
    "loss",
    "CLAIM",
    "VOTE",
    "HOLD",
    "ADVERT",
    "heard by a free host",
    "by the new leader",
  ];
  const span = (sample: readonly number[]): string => `${rate(median(sample))}, ${count(most(sample))}`;
  return table(
    head,
    rows.map(({ hosts, loss, runs }) => [
      count(hosts),
      `${loss * 100} %`,
      span(runs.map((run) => run.claims)),
      span(runs.map((run) => run.votes)),
      span(runs.map((run) => run.holds)),
      span(runs.map((run) => run.adverts)),
      span(runs.map((run) => run.heardMean)),
      span(runs.map((run) => run.heardLeader)),
    ]),
  );
}

export function ratesTable(rows: readonly RatesRow[]): string {
  const head = [
    "hosts",
    "jobs/s",
    "loss",
    "leader: in, out",
    "free host: in, out",
    "busy host: in, out",
    "unsolicited",
    "REQUEST",
    "reports",
    "CLAIM",
  ];
  return table(
    head,
    rows.map(({ hosts, jobsPerSecond, loss, rates }) => [
      count(hosts),
      jobsPerSecond === 0 ? "0" : `${count(jobsPerSecond)} of ${count(rates.jobMs)} ms`,
      `${loss * 100} %`,
      `${rate(rates.leader.received)}, ${rate(rates.leader.sent)}`,
      `${rate(rates.free.received)}, ${rate(rates.free.sent)}`,
      `${rate(rates.busy.received)}, ${rate(rates.busy.sent)}`,
      count(rates.unsolicited),
      rate(rates.requests),
      rate(rates.reports),
      rate(rates.claims),
    ]),
  );
}

const placements: Record<Placement, string> = {
  shim: "PANTS: at home if a slot is free there, else by lease",
  away: "PANTS: every job by lease (`prex`)",
  random: "at home, else on a random host",
  reports: "at home, else on the least loaded by reports of the last second",
};

export function herdTable(rows: readonly HerdRow[]): string {
  const head = [
    "placement",
    "run elsewhere",
    "refusals per 100 jobs",
    "run without a slot",
    "mean response",
    "against omniscient",
  ];
  return table(
    head,
    rows.map(({ placement, herd }) => [
      placements[placement],
      `${herd.far.toFixed(0)} %`,
      herd.refused.toFixed(2),
      `${herd.unslotted.toFixed(2)} %`,
      `${count(herd.responseMs)} ms`,
      `+${(100 * (herd.responseMs / herd.omniscientMs - 1)).toFixed(1)} %`,
    ]),
  );
}
