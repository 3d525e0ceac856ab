/** A figure with what belongs to it: title, conditions, and a line that says how to read it; so that it can stand alone. */
import type { Library } from "./library.js";

export interface Figure {
  /** File name without its ending. */
  readonly name: string;
  readonly title: string;
  /** Unit, runs, hosts. */
  readonly conditions: string;
  /** How to read it. */
  readonly reading: string;
  /** A whole SVG document. */
  readonly svg: string;
}

/** Sizes in px. */
export const WIDTH = 920;
const [TITLE, LINE, MARGIN] = [17, 17, 16];
const FONT = "DejaVu Sans, Verdana, Segoe UI, sans-serif";
const INK = "#222222";
const PALE = "#5a5a5a";

/** Colours that people with any colour blindness tell apart (Okabe and Ito), yellow left out: it is too pale for a line. */
export const COLOURS = [
  "#767676",
  "#e69f00",
  "#0072b2",
  "#009e73",
  "#cc79a7",
  "#d55e00",
  "#56b4e9",
  "#000000",
];

/** The same colour for a variant in all figures; the paper's policies and ours have their own. */
export function colourOf(variant: string, all: readonly string[]): string {
  const known: Readonly<Record<string, string>> = {
    "no PANTS": "#767676",
    cpu: "#e69f00",
    multi: "#0072b2",
    adaptive: "#009e73",
  };
  const rest = COLOURS.filter((colour) => !Object.values(known).includes(colour));
  const others = all.filter((one) => !(one in known));
  return known[variant] ?? rest[others.indexOf(variant) % rest.length] ?? INK;
}

/** An axis of time. */
export const SECONDS = {
  label: "seconds",
  labelAnchor: "center",
  labelArrow: "none",
  labelOffset: 34,
} as const;

export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** Lines of at most so many characters: SVG breaks none by itself. */
export function wrapped(text: string, most: number): string[] {
  return text.split(" ").reduce<string[]>((lines, word) => {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > most) return [...lines, word];
    return [...lines.slice(0, -1), `${last} ${word}`];
  }, []);
}

/** Draws with Plot, and puts title and words around it. */
export function framed(
  { plot, document }: Pick<Library, "plot" | "document">,
  about: Omit<Figure, "svg">,
  options: { readonly height: number } & Readonly<Record<string, unknown>>,
): Figure {
  const inner = plot.plot({
    document,
    width: WIDTH,
    className: `figure-${about.name.replace(/[^\w-]/g, "_")}`,
    style: { fontFamily: FONT, fontSize: "12px", color: INK, overflow: "visible" },
    ...options,
  });
  const most = Math.floor((WIDTH - 2 * MARGIN) / 6.6);
  const [conditions, reading] = [wrapped(about.conditions, most), wrapped(about.reading, most)];
  const top = MARGIN + TITLE + conditions.length * LINE + 10;
  const height = top + options.height + reading.length * LINE + MARGIN;
  inner.setAttribute("y", String(top));
  const text = (line: string, y: number, size: number, style: string): string =>
    `<text x="${MARGIN}" y="${y}" font-size="${size}" ${style}>${escaped(line)}</text>`;
  const lines = [
    text(about.title, MARGIN + TITLE - 4, TITLE, `font-weight="bold" fill="${INK}"`),
    ...conditions.map((line, i) => text(line, MARGIN + TITLE + (i + 1) * LINE, 12, `fill="${PALE}"`)),
    ...reading.map((line, i) => text(line, top + options.height + (i + 1) * LINE - 2, 12, `fill="${PALE}"`)),
  ];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" \
font-family="${FONT}" role="img" aria-label="${escaped(about.title)}"><rect width="${WIDTH}" height="${height}" fill="white"/>\
${lines.join("")}${inner.outerHTML}</svg>`;
  return { ...about, svg };
}
