/** What draws figures: packages that only the report needs, so that they are loaded when one is written. */

/** A mark of Observable Plot. */
export type Mark = object;
type Maker = (data: readonly object[] | readonly number[], options?: object) => Mark;

/** The part of @observablehq/plot that is used here. */
export interface Plot {
  plot(options: object): { readonly outerHTML: string; setAttribute(name: string, value: string): void };
  readonly areaY: Maker;
  readonly lineY: Maker;
  readonly barX: Maker;
  readonly link: Maker;
  readonly text: Maker;
  readonly ruleX: Maker;
  readonly ruleY: Maker;
}

export interface Library {
  readonly plot: Plot;
  /** A DOM for Plot to draw in. */
  readonly document: object;
  /** An SVG document as PNG, so many pixels wide. */
  readonly png: (svg: string, width: number) => Uint8Array;
  /** What is wrong with PNG files here; else empty. */
  readonly pngTrouble: string;
}

interface Resvg {
  readonly Resvg: new (
    svg: string,
    options: object,
  ) => { render(): { asPng(): Uint8Array }; getBBox(): object | undefined };
}

/** What is missing, and how to come by it. */
export class NoFigures extends Error {}

const FONT = "DejaVu Sans";
const LETTER = `<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><text x="2" y="15">M</text></svg>`;
const NO_FONT = "PNG files have no words, since no font is installed here (Debian: fonts-dejavu-core)";

// By a name that the compiler does not look up: whoever only uses PANTS has none of them.
const load = (name: string): Promise<unknown> => import(name);

/** @throws {NoFigures} */
export async function loadLibrary(): Promise<Library> {
  try {
    const [plot, dom, resvg] = (await Promise.all(
      ["@observablehq/plot", "linkedom", "@resvg/resvg-js"].map(load),
    )) as [Plot, { parseHTML(html: string): { document: object } }, Resvg];
    const { document } = dom.parseHTML("<html></html>");
    const font = { loadSystemFonts: true, defaultFontFamily: FONT, sansSerifFamily: FONT };
    const png = (svg: string, width: number): Uint8Array =>
      new resvg.Resvg(svg, { background: "white", fitTo: { mode: "width", value: width }, font })
        .render()
        .asPng();
    const letter = new resvg.Resvg(LETTER, { font }).getBBox();
    return { plot, document, png, pngTrouble: letter ? "" : NO_FONT };
  } catch (error) {
    throw new NoFigures(
      `figures need the packages @observablehq/plot, linkedom and @resvg/resvg-js (${(error as Error).message.split("\n")[0] ?? ""}): \
run pants bench --report --out FOLDER from a source tree after make`,
    );
  }
}
