/** Writes a report from what is on record in a folder of results. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { indexNames } from "../../../core/indices.js";
import type { Experiment } from "../experiment.js";
import { type About, machine } from "../folder.js";
import type { RunRecord } from "../records.js";
import { barsFigure, summaryFigure } from "./bars-figure.js";
import { childrenFigure } from "./children-figure.js";
import type { Figure } from "./frame.js";
import { type Library, loadLibrary, NoFigures } from "./library.js";
import { loadFigure } from "./load-figure.js";
import { html, type Part } from "./page.js";
import { loadCsv, runsCsv } from "./raw.js";
import { type ExperimentSummary, summarise } from "./summary.js";

/** PNG pixels for each px of SVG: sharp on any screen, and on paper. */
const SCALE = 2;

export interface Written {
  readonly page: string;
  readonly figures: number;
  /** Why there are none, or what is wrong with them; else empty. */
  readonly trouble: string;
}

/** @param experiments - for titles and words; records of others keep their names */
export async function writeReport(
  folder: string,
  about: About | undefined,
  records: readonly RunRecord[],
  experiments: readonly Pick<Experiment, "name" | "title" | "about">[],
): Promise<Written> {
  const [library, noFigures] = await figuresOrWhy();
  const parts = summarise(records).map((summary): Part => {
    const { title = summary.name, about: words = "" } =
      experiments.find(({ name }) => name === summary.name) ?? {};
    return { ...summary, title, about: words, figures: library ? figuresOf(library, title, summary) : [] };
  });
  const summary = library && summaryFigure(library, parts);
  const figures = [...(summary ? [summary] : []), ...parts.flatMap((part) => part.figures)];
  if (library) writeFigures(join(folder, "figures"), library, figures);
  writeFileSync(join(folder, "runs.csv"), runsCsv(records));
  writeFileSync(join(folder, "load.csv"), loadCsv(records));
  writeFileSync(join(folder, "runs.json"), `${JSON.stringify(records, null, 1)}\n`);
  const page = join(folder, "report.html");
  const whole: About = about ?? {
    machine: machine(),
    place: "lab",
    hosts: 0,
    cpus: null,
    small: false,
    options: {},
  };
  writeFileSync(page, html({ about: whole, writtenAt: new Date(), summary, parts, noFigures }));
  return { page, figures: figures.length, trouble: noFigures || (library?.pngTrouble ?? "") };
}

async function figuresOrWhy(): Promise<readonly [Library | undefined, string]> {
  try {
    return [await loadLibrary(), ""];
  } catch (error) {
    if (error instanceof NoFigures) return [undefined, error.message];
    throw error;
  }
}

function figuresOf(library: Library, title: string, summary: ExperimentSummary): Figure[] {
  const all = [
    barsFigure(library, title, summary),
    childrenFigure(library, title, summary),
    ...(summary.variants.length > 0
      ? indexNames.map((index) => loadFigure(library, title, summary, index))
      : []),
  ];
  return all.filter((figure) => figure !== undefined);
}

function writeFigures(folder: string, { png }: Library, figures: readonly Figure[]): void {
  mkdirSync(folder, { recursive: true });
  for (const { name, svg } of figures) {
    writeFileSync(join(folder, `${name}.svg`), `${svg}\n`);
    const width = Number(/width="(\d+)"/.exec(svg)?.[1] ?? 0) * SCALE;
    writeFileSync(join(folder, `${name}.png`), png(svg, width));
  }
}
