/** A part of docs/benchmarks.md, each measured, dated and replaced on its own. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { packageRoot } from "../../io/paths.js";

export interface Section {
  /** Name on the command line. */
  readonly name: string;
  readonly title: string;
  /** Measures, and returns Markdown. */
  readonly run: () => Promise<string>;
}

const FILE = join(packageRoot, "docs", "benchmarks.md");
const INTRO = `# Benchmarks

Written by \`make bench\` (one section alone: \`node dist/cli/pants-bench.js NAME\`). Hosts are network namespaces on one
machine, so figures hold beside each other more than by themselves. \`pants bench\` measures what a user gains: bench.md.
`;

/** The machine in one line. */
function machine(): string {
  const cores = cpus().length;
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  return `${cores} cores (${cpus()[0]?.model.trim() ?? "unknown"}), ${memory} GiB, Linux ${release()}, Node ${process.version}`;
}

/** Puts a section's result into the file in place of the last one. */
export function record(section: Section, text: string): void {
  const old = existsSync(FILE) ? readFileSync(FILE, "utf8") : INTRO;
  const [intro = "", ...parts] = old.split(/\n(?=## )/);
  const date = new Date().toISOString().slice(0, 10);
  const fresh = `## ${section.title}\n\n\`${section.name}\`, ${date}: ${machine()}\n\n${text.trim()}\n`;
  const at = parts.findIndex((part) => part.startsWith(`## ${section.title}\n`));
  if (at < 0) parts.push(fresh);
  else parts[at] = fresh;
  mkdirSync(dirname(FILE), { recursive: true });
  writeFileSync(
    FILE,
    [intro, ...parts]
      .map((part) => part.trimEnd())
      .join("\n\n")
      .concat("\n"),
  );
}

/** A Markdown table. */
export function markdown(
  heading: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;
  const rule = heading.map((_, i) => (i === 0 ? "---" : "---:"));
  return [line(heading), line(rule), ...rows.map(line)].join("\n");
}

/** The compiled bench/latency/probe.c, for the time of a measurement. */
export async function withProbe<T>(use: (probe: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "pants-bench-"));
  try {
    const probe = join(folder, "probe");
    const source = join(packageRoot, "bench", "latency", "probe.c");
    execFileSync("cc", ["-O2", "-o", probe, source], { stdio: "inherit" });
    return await use(probe);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
