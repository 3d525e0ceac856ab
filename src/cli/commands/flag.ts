/** pants-flag: sets, clears and shows the mark of programs. */
import { ElfError } from "../../io/elf.js";
import {
  changeMark,
  IDEMPOTENT,
  type MarkChange,
  type Marked,
  MIGRATABLE,
  markWords,
  NEVER,
  readMark,
} from "../../io/mark.js";
import { print, printJson, UsageError } from "./support.js";

export interface FlagOptions {
  readonly migratable?: boolean | undefined;
  readonly never?: boolean | undefined;
  readonly idempotent?: boolean | undefined;
  readonly clear?: boolean | undefined;
  readonly show?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** What the options ask for; null = only look. @throws {UsageError} when they contradict each other. */
export function changeFor(options: FlagOptions): MarkChange | null {
  const { migratable, never, idempotent, clear, show } = options;
  const asked = [migratable || idempotent, never, clear, show].filter(Boolean).length;
  if (asked === 0) throw new UsageError("say one of --migratable, --never, --idempotent, --clear, --show");
  if (asked > 1) throw new UsageError("only --migratable and --idempotent go together");
  if (options.json && !show) throw new UsageError("--json goes with --show");
  if (show) return null;
  if (clear) return () => 0;
  if (never) return () => NEVER;
  return (mark) => {
    let next = mark;
    if (migratable) next = (next & ~NEVER) | MIGRATABLE;
    if (idempotent) next |= IDEMPOTENT;
    return next;
  };
}

/** One line for people: the file, the file behind its links when that is another, the mark. */
export function flagLine(file: string, marked: Marked): string {
  const words = markWords(marked.mark);
  const target = marked.resolved === file ? file : `${file} -> ${marked.resolved}`;
  return `${target}: ${words.length > 0 ? words.join(" ") : "not marked"}`;
}

/** Does to every file what the options ask; a file that fails does not keep the others from their turn. */
export function flagFiles(files: readonly string[], options: FlagOptions): void {
  const change = changeFor(options);
  const rows: object[] = [];
  for (const file of files) {
    try {
      const marked = change === null ? readMark(file) : changeMark(file, change);
      const { resolved, machine, bits } = marked;
      rows.push({ file, resolved, mark: markWords(marked.mark), machine, bits });
      if (!options.json) print(flagLine(file, marked));
    } catch (error) {
      if (!(error instanceof ElfError)) throw error;
      process.exitCode = 1;
      rows.push({ file, error: error.message });
      process.stderr.write(`pants-flag: ${file} ${error.message}\n`);
    }
  }
  if (options.json) printJson(rows);
}
