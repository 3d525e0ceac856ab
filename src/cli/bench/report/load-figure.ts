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

/** Between the panels' heights of a figure, px. */
const HEIGHT = 230;

/** Undefined where no host could measure this index. */
export function loadFigure(
  library: Library,
  title: string,
  { name, variants }: ExperimentSummary,
  index: IndexName,
): Figure | undefined {
  const all = variants.map(({ variant }) => variant);
  const seconds = Math.max(...variants.map(({ middle }) => middle.seconds));
  const length = lengthFor(seconds);
  const panels = variants.map(({ variant, middle }) => ({
    ...{ variant, middle },
    points: series(middle.load, index, length),
  }));
  const points = panels.flatMap((panel) =>
    panel.points.map(({ t, mean, deviation, min, max }) => ({
      ...{ variant: panel.variant, t, mean, min, max },
      low: Math.max(min, mean - deviation),
      high: Math.min(max, mean + deviation),
    })),
  );
  const [some] = variants;
  if (points.length === 0 || !some) return undefined;
  const unit = indexUnits[index];
  const { plot } = library;
  const band = (y1: string, y2: string, opacity: number): object =>
    plot.areaY(points, {
      x: "t",
      y1,
      y2,
      fx: "variant",
      fill: "variant",
      fillOpacity: opacity,
      curve: "linear",
    });
  const ends = panels.map(({ variant, middle }) => ({ variant, t: middle.seconds }));
  const runs = variants.some((one) => one.runs.length > 1)
    ? "Each panel is its variant's run of median time"
    : "One run each";
  return framed(
    library,
    {
      name: `${name}-load-${index}`,
      title: `${title}: ${NAMES[index]} load, ${unit}`,
      conditions: `${hostsWords(some.middle)}. ${runs}; means of ${length === 1 ? "each second" : `${length} s`}.`,
      reading:
        "Line: mean over the hosts. Dark band: one standard deviation on either side. Pale band: from the least to the most loaded host. Vertical lines: beginning and end.",
    },
    {
      height: HEIGHT,
      ...{ marginLeft: 64, marginRight: 16, marginTop: 28, marginBottom: 40 },
      fx: { domain: all, label: null, padding: 0.08 },
      x: { ...SECONDS, nice: true, ticks: Math.max(2, Math.floor(16 / all.length)), tickSize: 3 },
      y: { label: null, zero: true, nice: true, grid: true, ticks: 5, tickFormat: short },
      color: { domain: all, range: all.map((one) => colourOf(one, all)) },
      marks: [
        plot.ruleY([0], { stroke: "#999999" }),
        plot.ruleX([0], { stroke: "#bbbbbb", strokeDasharray: "2,3" }),
        plot.ruleX(ends, { x: "t", fx: "variant", stroke: "#bbbbbb", strokeDasharray: "2,3" }),
        band("min", "max", 0.16),
        band("low", "high", 0.3),
        plot.lineY(points, { x: "t", y: "mean", fx: "variant", stroke: "variant", strokeWidth: 2 }),
      ],
    },
  );
}

/** `12`, `1.5k`, `2M`: room is short beside an axis. */
export function short(value: number): string {
  const [divisor, letter] = value >= 1e6 ? [1e6, "M"] : value >= 1000 ? [1000, "k"] : [1, ""];
  return `${Number((value / divisor).toPrecision(3))}${letter}`;
}
