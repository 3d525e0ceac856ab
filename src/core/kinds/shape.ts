/**
 * The shape of a command line: which jobs are like each other. The program, its options without their values, and the kinds
 * of its files; names, paths and numbers differ from job to job and are left out.
 */

/** Options and kinds of files that count, at most; what is longer is cut. */
const partsMax = 12;
const partLength = 12;

/** Options that say where something is, not what is to be done. */
const places = /^-[IDLUl]/;

/** `/usr/bin/gcc -O2 -c -o .c .o`: the program first. */
export function shapeOf(program: string, argv: readonly string[]): string {
  const options = new Set<string>();
  const kinds = new Set<string>();
  for (const word of argv.slice(1, 400)) {
    if (word.startsWith("-")) {
      if (!places.test(word)) options.add(plain(word.split("=", 1)[0] ?? ""));
    } else {
      const kind = /\.([A-Za-z][A-Za-z0-9]{0,7})$/.exec(word)?.[1];
      if (kind !== undefined) kinds.add(`.${kind}`);
    }
  }
  const parts = [...[...options].sort(), ...[...kinds].sort()].slice(0, partsMax);
  return [program, ...parts].join(" ");
}

function plain(option: string): string {
  return option.slice(0, partLength);
}
