/** The raw records for other programs: CSV and JSON. */
import { loadPoints, type RunRecord } from "../records.js";

const quoted = (value: string | number | boolean): string => {
  const text = String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

const csv = (rows: readonly (readonly (string | number | boolean)[])[]): string =>
  `${rows.map((row) => row.map(quoted).join(",")).join("\n")}\n`;

const KEYS = [
  "experiment",
  "variant",
  "run",
  "hosts",
  "cpus",
  "policy",
  "startedAt",
  "seconds",
  "ok",
] as const;

/** A line for each run; details have columns of their own. */
export function runsCsv(runs: readonly RunRecord[]): string {
  const details = [...new Set(runs.flatMap(({ detail }) => Object.keys(detail)))];
  return csv([
    [...KEYS, "outputsEqual", "error", ...details],
    ...runs.map((one) => [
      ...KEYS.map((key) => one[key]),
      ...[one.outputsEqual ?? "", one.error ?? ""],
      ...details.map((key) => one.detail[key] ?? ""),
    ]),
  ]);
}

/** A line for each value of each load curve. */
export function loadCsv(runs: readonly RunRecord[]): string {
  const keys = ["experiment", "variant", "run", "t", "host", "index", "value"] as const;
  const points = runs.flatMap(loadPoints);
  return csv([keys, ...points.map((point) => keys.map((key) => point[key]))]);
}
