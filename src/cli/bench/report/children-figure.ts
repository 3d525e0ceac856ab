/** When and where the children of a micro benchmark ran, from the details that it puts on record. */
import type { RunRecord } from "../records.js";
import { COLOURS, type Figure, framed, SECONDS } from "./frame.js";
import type { Library } from "./library.js";
import { short } from "./load-figure.js";
import { type ExperimentSummary, hostsWords } from "./summary.js";

interface Row {
  readonly variant: string;
  readonly child: string;
  readonly host: string;
  readonly start: number;
  readonly end: number;
  readonly words: string;
}

/** Undefined where no children are on record. */
export function childrenFigure(
  library: Library,
  title: string,
  { name, variants }: ExperimentSummary,
): Figure | undefined {
  const rows = variants.flatMap(({ variant, middle }) => rowsOf(variant, middle));
  const [some] = variants;
  if (rows.length === 0 || !some) return undefined;
  const hosts = [...new Set(rows.map(({ host }) => host))].sort();
  const { plot } = library;
  const runs = variants.some((one) => one.runs.length > 1)
    ? "Each panel is its variant's run of median time"
    : "One run each";
  return framed(
    library,
    {
      name: `${name}-children`,
      title: `${title}: where and when each child ran`,
      conditions: `${hostsWords(some.middle)}. ${runs}. Children start at a fixed interval.`,
      reading: `In a bar: the child's host, and ${String(some.middle.detail["unit"] ?? "work")} a second. One colour a host.`,
    },
    {
      height: 50 + 24 * rows.length + 10 * variants.length,
      ...{ marginLeft: 110, marginRight: 20, marginTop: 8, marginBottom: 40 },
      x: { ...SECONDS, grid: true, zero: true },
      y: { type: "band", axis: null, padding: 0.12 },
      fy: { domain: variants.map(({ variant }) => variant), label: null, axis: "left", padding: 0.1 },
      color: { domain: hosts, range: hosts.map((_, i) => PALE[i % PALE.length]) },
      marks: [
        plot.barX(rows, {
          x1: "start",
          x2: "end",
          y: "child",
          fy: "variant",
          fill: "host",
          stroke: "#555555",
        }),
        plot.text(rows, {
          ...{
            x: "start",
            y: "child",
            fy: "variant",
            text: "words",
            textAnchor: "start",
            dx: 5,
            fill: "black",
          },
        }),
        plot.ruleX([0]),
      ],
    },
  );
}

/** Pale, since words stand on them. */
const PALE = COLOURS.map((colour) => {
  const parts = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  return `#${parts.map((part) => Math.round(255 - (255 - part) * 0.45).toString(16)).join("")}`;
});

function rowsOf(variant: string, { detail }: RunRecord): Row[] {
  return Array.from({ length: Number(detail["children"] ?? 0) }, (_, i) => {
    const of = (field: string): string | number => detail[`child${i + 1}_${field}`] ?? "";
    const [host, start, seconds] = [String(of("host")), Number(of("start")), Number(of("seconds"))];
    const words = `${host}  ${short(Number(of("rate")))}/s`;
    return { variant, child: String(i + 1), host, start, end: start + seconds, words };
  });
}
