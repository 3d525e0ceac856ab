/** The report as one HTML file, which needs no other file and no network. */
import type { About } from "../folder.js";
import { OTHERS } from "../others.js";
import type { RunRecord } from "../records.js";
import { escaped, type Figure } from "./frame.js";
import { type ExperimentSummary, hostsWords, type VariantSummary } from "./summary.js";

/** An experiment with its figures. */
export interface Part extends ExperimentSummary {
  readonly title: string;
  readonly about: string;
  readonly figures: readonly Figure[];
}

export interface Page {
  readonly about: About;
  readonly writtenAt: Date;
  readonly summary: Figure | undefined;
  readonly parts: readonly Part[];
  /** Why there are no figures; empty when there are. */
  readonly noFigures: string;
}

const STYLE = `:root{color-scheme:light}body{font:16px/1.5 system-ui,"Segoe UI",sans-serif;color:#222;background:#fff;
max-width:960px;margin:2rem auto;padding:0 1rem}h1{margin-bottom:.2rem}h2{margin-top:3rem;border-bottom:1px solid #ddd}
table{border-collapse:collapse;margin:1rem 0;font-size:.9rem}th,td{padding:.25rem .7rem;border-bottom:1px solid #e4e4e4;
text-align:right}th:first-child,td:first-child{text-align:left}thead th{border-bottom:2px solid #999}
figure{margin:1.5rem 0}svg{max-width:100%;height:auto}.note{color:#5a5a5a}.wrong{color:#a40000;font-weight:bold}`;

export function html({ about, writtenAt, summary, parts, noFigures }: Page): string {
  const { small, machine } = about;
  const where = placeWords(about);
  const paragraphs = [
    `<p class="note">Written ${minute(writtenAt.toISOString())} UTC by <code>pants bench</code> on ${escaped(machine)}.${where ? `<br>Hosts: ${escaped(where)}.` : ""}</p>`,
    small
      ? `<p class="wrong">Made with --small: it shows that everything works; its figures mean nothing.</p>`
      : "",
    noFigures ? `<p class="wrong">${escaped(noFigures)}</p>` : "",
    `<p>Times are medians of runs, with their spread. All records: <a href="runs.csv">runs.csv</a> and
<a href="load.csv">load.csv</a>, or <a href="runs.json">runs.json</a>.</p>`,
  ];
  const body = [
    `<h1>PANTS: what it gains</h1>`,
    ...paragraphs,
    ...(summary ? [drawn(summary)] : []),
    ...parts.map((part) => section(part, about)),
  ];
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>PANTS: what it gains</title><style>${STYLE}</style></head>
<body>
${body.filter(Boolean).join("\n")}
</body></html>
`;
}

/** Empty where that is not known. */
function placeWords({ place, hosts }: About): string {
  const words = typeof hosts === "number" ? `${hosts} hosts` : hosts.join(", ");
  if (hosts === 0) return "";
  return place === "lab"
    ? `${words} in network namespaces of one machine: they share its CPUs, memory and disk, each within its limits`
    : `the cluster of this host${words ? ` (${words})` : ""}`;
}

function section(
  { name, title, about: words, variants, failed, figures }: Part,
  { options }: Pick<About, "options">,
): string {
  const set = Object.entries(options[name] ?? {}).map(([key, value]) => ` --set ${key}=${value}`);
  return [
    `<h2 id="${escaped(name)}">${escaped(title)}</h2>`,
    `<p>${escaped(words)} <span class="note">(<code>${escaped(name + set.join(""))}</code>${when(variants)})</span></p>`,
    variants.length > 0 ? table(variants) : "",
    disturbed(variants),
    ...failed.map(failure),
    ...figures.map(drawn),
  ]
    .filter(Boolean)
    .join("\n");
}

/** From the first run to the last. */
function when(variants: readonly VariantSummary[]): string {
  const times = variants.flatMap(({ runs }) => runs.map(({ startedAt }) => minute(startedAt))).sort();
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined) return "";
  return first === last ? `, ${first} UTC` : `, ${first} to ${last} UTC`;
}

const minute = (iso: string): string => iso.slice(0, 16).replace("T", " ");

/** CPUs: what a machine does by itself stays below. */
const QUIET = 0.2;

function disturbed(variants: readonly VariantSummary[]): string {
  const others = variants.flatMap(({ runs }) => runs.map(({ detail }) => Number(detail[OTHERS] ?? 0)));
  const [least, most] = [Math.min(...others), Math.max(...others)].map((one) => one.toFixed(1));
  if (!(Math.max(...others) > QUIET)) return "";
  return `<p class="wrong">The machine was not quiet: other programs kept ${least} to ${most} of its CPUs busy during these runs, which makes
them longer, and not all alike (${OTHERS} in runs.csv).</p>`;
}

const HEADING = [
  "variant",
  "hosts",
  "policy",
  "runs",
  "median s",
  "min",
  "max",
  "std. dev.",
  "times as fast",
  "outputs",
];

function table(variants: readonly VariantSummary[]): string {
  const rows = variants.map(({ variant, middle, seconds, speed, outputsEqual }) => [
    ...[escaped(variant), hostsWords(middle), escaped(middle.policy || "–"), String(seconds.n)],
    ...[seconds.median, seconds.min, seconds.max].map(digits),
    seconds.deviation === null ? "–" : digits(seconds.deviation),
    speed.toFixed(2),
    outputsEqual === undefined ? "–" : outputsEqual ? "equal" : '<span class="wrong">DIFFER</span>',
  ]);
  const line = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join("")}</tr>`;
  return `<table><thead>${line(HEADING, "th")}</thead><tbody>${rows.map((row) => line(row, "td")).join("\n")}</tbody></table>`;
}

/** Three digits, or all before the point. */
export const digits = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

function failure({ variant, run, error = "" }: RunRecord): string {
  const what = run === 0 ? "Not measured" : `${variant}, run ${run}, did not go well`;
  return `<p class="wrong">${escaped(what)}: ${escaped(error)}</p>`;
}

const drawn = ({ name, svg }: Figure): string =>
  `<figure id="${escaped(name)}">${svg.replace('xmlns="http://www.w3.org/2000/svg" ', "")}<figcaption class="note"><a href="figures/${name}.svg">SVG</a> · <a href="figures/${name}.png">PNG</a></figcaption></figure>`;
