/** The pages that carry figures: what stands between two marks is measured, never written by hand. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [begin, end] = ["<!-- figures -->", "<!-- /figures -->"];
/** The project's folder, from build/figures/test/sim/figures. */
const root = new URL("../../../../../", import.meta.url);

export function writeFigures(page: string, section: string): void {
  const file = fileURLToPath(new URL(page, root));
  const text = readFileSync(file, "utf8");
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${file}: no section between ${begin} and ${end}`);
  writeFileSync(file, `${text.slice(0, from + begin.length)}\n${section}${text.slice(to)}`);
}
