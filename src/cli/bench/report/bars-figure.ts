/** How long each variant took: a bar for the median, a line from the fastest to the slowest run (paper, figure 11). */
import { colourOf, type Figure, framed, SECONDS } from "./frame.js";
import type { Library } from "./library.js";
import { type ExperimentSummary, hostsWords, runsWords, type VariantSummary } from "./summary.js";

const [BAR, AROUND] = [34, 58];

/** Of one experiment; undefined when nothing of it went well. */
export function barsFigure(
  library: Library,
  title: string,
  { name, variants }: ExperimentSummary,
): Figure | undefined {
  const [first] = variants;
  if (!first) return undefined;
  const hosts = new Set(variants.map(({ middle }) => hostsWords(middle)));
  const several = hosts.size > 1; // as where one host is compared with many
  const rows = variants.map((one) => ({
    label: several ? `${one.variant} (${hostsWords(one.middle)})` : one.variant,
    ...{ variant: one.variant, ...one.seconds },
    words: words(one, first),
  }));
  const labels = rows.map(({ label }) => label);
  const all = rows.map(({ variant }) => variant);
  const { plot } = library;
  return framed(
    library,
    {
      name: `${name}-times`,
      title: `${title}: seconds to the end`,
      conditions: `${several ? "" : `${[...hosts].join("")}. `}${runsWords(variants)}. Less is better.`,
      reading: `Bar: median. Line across its end: from the fastest to the slowest run. In brackets: times as fast as ${first.variant}.`,
    },
    {
      height: AROUND + rows.length * BAR,
      marginLeft: Math.min(320, 24 + 7.2 * Math.max(...labels.map((label) => label.length))),
      ...{ marginRight: 130, marginTop: 8, marginBottom: 40 },
      x: { ...SECONDS, zero: true, grid: true, ticks: 6 },
      y: { domain: labels, label: null, tickSize: 0, padding: 0.28 },
      color: { domain: all, range: all.map((one) => colourOf(one, all)) },
      marks: [
        plot.barX(rows, { x: "median", y: "label", fill: "variant" }),
        plot.link(rows, {
          x1: "min",
          x2: "max",
          y1: "label",
          y2: "label",
          stroke: "black",
          strokeWidth: 1.5,
        }),
        plot.ruleX([0]),
        plot.text(rows, { x: "max", y: "label", text: "words", textAnchor: "start", dx: 8, ...OVER }),
      ],
    },
  );
}

const words = ({ seconds, speed }: VariantSummary, first: VariantSummary): string =>
  `${seconds.median.toPrecision(3)} s${speed === first.speed ? "" : ` (${speed.toFixed(2)} ×)`}`;

/** All experiments below each other: how many times as fast each variant is as the first of its experiment. */
export function summaryFigure(
  library: Library,
  experiments: readonly (ExperimentSummary & { readonly title: string })[],
): Figure | undefined {
  const compared = experiments.filter(({ variants }) => variants.length > 1);
  const bars = compared.flatMap(({ name, variants }) =>
    variants.map(({ variant, speed }) => ({
      ...{ key: `${name} ${variant}`, variant, speed },
      words: `${speed.toFixed(2)} ×`,
    })),
  );
  if (bars.length === 0) return undefined;
  const headings = compared.map(({ name, title }) => ({ key: name, title }));
  // A heading has a row of its own: experiments do not have the same variants.
  const rows = compared.flatMap(({ name, variants }) => [
    name,
    ...variants.map(({ variant }) => `${name} ${variant}`),
  ]);
  const all = [...new Set(bars.map(({ variant }) => variant))];
  const { plot } = library;
  const left = { x: () => 0, y: "key" } as const;
  return framed(
    library,
    {
      name: "summary",
      title: "How many times as fast",
      conditions: `By medians; ${runsWords(compared.flatMap(({ variants }) => variants))}. Hosts: see each experiment. More is better.`,
      reading: "The first variant of an experiment is what its others are held against: its bar is 1 long.",
    },
    {
      height: AROUND + rows.length * 23,
      ...{ marginLeft: LABELS, marginRight: 70, marginTop: 4, marginBottom: 40 },
      x: { ...SECONDS, label: "times as fast", zero: true, grid: true, ticks: 6 },
      y: { domain: rows, axis: null, padding: 0.15 },
      color: { domain: all, range: all.map((one) => colourOf(one, all)) },
      marks: [
        plot.barX(bars, { x: "speed", y: "key", fill: "variant" }),
        plot.ruleX([1], { stroke: "#555555", strokeDasharray: "2,3" }),
        plot.ruleX([0]),
        plot.text(bars, { x: "speed", y: "key", text: "words", textAnchor: "start", dx: 6, ...OVER }),
        plot.text(bars, { ...left, text: "variant", textAnchor: "end", dx: -8 }),
        plot.text(headings, {
          ...{ ...left, text: "title", textAnchor: "start", dx: 16 - LABELS, dy: 3 },
          ...{ fontWeight: "bold", ...OVER },
        }),
      ],
    },
  );
}

const LABELS = 190;
/** Words that stand on lines of the grid. */
const OVER = { stroke: "white", strokeWidth: 4, fill: "#222222" } as const;
