/** One load index over time, a panel for each variant: mean over the hosts, deviation, extremes (paper, figures 5 to 10). */
import { type IndexName, indexUnits } from "../../../core/indices.js";
import { colourOf, type Figure, framed, SECONDS } from "./frame.js";
import type { Library } from "./library.js";
import { lengthFor, series } from "./series.js";
import { type ExperimentSummary, hostsWords } from "./summary.js";

const NAMES: Readonly<Record<IndexName, string>> = {
  cpu: "CPU",
  io: "disk",
  ctxt: "context switches",
  memory: "memory",
  intr: "interrupts",
  net: "network",
};

/** Panels beside each other, and the height of a row of them, px. */
const [COLUMNS, HEIGHT] = [4, 200];

/** Undefined where no host could measure this index. */
export function loadFigure(
  library: Library,
  title: string,
  { name, variants }: ExperimentSummary,
  index: IndexName,
): Figure | undefined {
  const shown = variants.filter(({ middle }) => middle.load.some(({ indices }) => indices[index]));
  const [first] = shown;
  if (!first) return undefined;
  const all = variants.map(({ variant }) => variant);
  const several = new Set(shown.map(({ middle }) => hostsWords(middle))).size > 1;
  const length = lengthFor(Math.max(...shown.map(({ middle }) => middle.seconds)));
  const columns = Math.min(COLUMNS, shown.length);
  const panels = shown.map((one, i) => ({
    ...{ variant: one.variant, column: i % columns, row: Math.floor(i / columns), end: one.middle.seconds },
    title: several ? `${one.variant}, ${hostsWords({ ...one.middle, cpus: 0 })}` : one.variant,
    points: series(one.middle.load, index, length),
  }));
  const points = panels.flatMap(({ variant, column, row, points: of }) =>
    of.map(({ t, mean, deviation, min, max }) => ({
      ...{ variant, column, row, t, mean, min, max },
      low: Math.max(min, mean - deviation),
      high: Math.min(max, mean + deviation),
    })),
  );
  if (points.length === 0) return undefined;
  const { plot } = library;
  const panel = { fx: "column", fy: "row" } as const;
  const band = (y1: string, y2: string, opacity: number): object =>
    plot.areaY(points, { x: "t", y1, y2, ...panel, fill: "variant", fillOpacity: opacity });
  const runs = shown.some((one) => one.runs.length > 1)
    ? "Each panel is its variant's run of median time"
    : "One run each";
  const { cpus } = first.middle;
  const each = cpus === 0 ? "Hosts" : `Hosts of ${cpus} CPU each`;
  const hosts = several ? `${each}, as many as each panel says` : hostsWords(first.middle);
  return framed(
    library,
    {
      name: `${name}-load-${index}`,
      title: `${title}: ${NAMES[index]} load, ${indexUnits[index]}`,
      conditions: `${hosts}. ${runs}; means of ${length === 1 ? "each second" : `${length} s`}.`,
      reading:
        "Line: mean over the hosts. Dark band: one standard deviation on either side. Pale band: from the least to the most loaded host. Vertical lines: beginning and end.",
    },
    {
      height: HEIGHT * Math.ceil(shown.length / columns) + 30,
      ...{ marginLeft: 64, marginRight: 16, marginTop: 28, marginBottom: 40 },
      fx: { axis: null, padding: 0.08 },
      fy: { axis: null, padding: shown.length > columns ? 0.16 : 0 },
      x: { ...SECONDS, nice: true, ticks: Math.max(2, Math.floor(16 / columns)), tickSize: 3 },
      y: { label: null, zero: true, nice: true, grid: true, ticks: 5, tickFormat: short },
      color: { domain: all, range: all.map((one) => colourOf(one, all)) },
      marks: [
        plot.ruleY([0], { stroke: "#999999" }),
        plot.ruleX([0], { stroke: "#bbbbbb", strokeDasharray: "2,3" }),
        plot.ruleX(panels, { x: "end", ...panel, stroke: "#bbbbbb", strokeDasharray: "2,3" }),
        band("min", "max", 0.16),
        band("low", "high", 0.3),
        plot.lineY(points, { x: "t", y: "mean", ...panel, stroke: "variant", strokeWidth: 2 }),
        plot.text(panels, { ...panel, text: "title", frameAnchor: "top", dy: -16, fontWeight: "bold" }),
      ],
    },
  );
}

/** `12`, `1.5k`, `2M`: room is short beside an axis. */
export function short(value: number): string {
  const [divisor, letter] = value >= 1e6 ? [1e6, "M"] : value >= 1000 ? [1000, "k"] : [1, ""];
  return `${Number((value / divisor).toPrecision(3))}${letter}`;
}
