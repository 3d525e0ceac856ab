/** What is built: the kernel, or a small program in its place that shows that the bench works. */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freshTree, type KernelConfig, kernelSource, missingPackages } from "./source.js";

export interface Project {
  /** In words, for the report. */
  readonly what: string;
  /** What is typed, after what a peer wants before it. */
  readonly make: readonly string[];
  /** Variables that make two builds equal, byte for byte. */
  readonly env: Readonly<Record<string, string>>;
  /** Debian packages that it lacks here. */
  missing(): string[];
  /** Once: makes or unpacks the sources. */
  prepare(): Promise<void>;
  /** A tree in which nothing is built yet, at `folder`, in place of what was there. */
  fresh(folder: string): Promise<void>;
  /** SHA-256 of what a build made; undefined when it made nothing. */
  image(folder: string): string | undefined;
}

function hash(file: string): string | undefined {
  try {
    return createHash("sha256").update(readFileSync(file)).digest("hex");
  } catch {
    return undefined;
  }
}

/** Of all object files in some folders, with their names; undefined when there is none. */
export function hashObjects(tree: string, folders: readonly string[]): string | undefined {
  const sum = createHash("sha256");
  const found = folders.flatMap((folder) =>
    readdirSync(join(tree, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".o"))
      .map((name) => join(folder, name)),
  );
  for (const name of found.sort()) sum.update(`${name}\0`).update(readFileSync(join(tree, name)));
  return found.length > 0 ? sum.digest("hex") : undefined;
}

/** @param targets - `vmlinux`, or folders of the kernel for less of it */
export function kernel(config: KernelConfig, jobs: number, targets: readonly string[]): Project {
  let source = "";
  return {
    what: `Debian's kernel source, ${config}, make -j${jobs} ${targets.join(" ")}`,
    make: ["make", `-j${jobs}`, ...targets],
    env: {
      KBUILD_BUILD_TIMESTAMP: "2002-01-01",
      KBUILD_BUILD_USER: "pants",
      KBUILD_BUILD_HOST: "pants",
    },
    missing: missingPackages,
    prepare: async () => {
      source = await kernelSource(config);
    },
    fresh: (folder) => freshTree(source, folder),
    image: (folder) =>
      targets.includes("vmlinux") ? hash(join(folder, "vmlinux")) : hashObjects(folder, targets),
  };
}

const SMALL_FILES = 16;
/** Functions in each: about a tenth of a second for a compiler. */
const SMALL_FUNCTIONS = 120;

const MAKEFILE = `CC = gcc
OBJECTS = $(patsubst %.c,%.o,$(sort $(wildcard *.c)))
image: $(OBJECTS)
	cat $(OBJECTS) >$@
%.o: %.c
	$(CC) -O2 -c -o $@ $<
`;

/** C files that are written when they are needed. */
export function small(jobs: number): Project {
  const text = (file: number): string =>
    Array.from(
      { length: SMALL_FUNCTIONS },
      (_, n) =>
        `int f${file}_${n}(int *p, int n) { int s = ${n}; for (int i = 0; i < n; i++) s = s * 31 + (p[i] ^ (s >> ${(n % 7) + 1})); return s; }\n`,
    ).join("");
  return {
    what: `${SMALL_FILES} generated C files, make -j${jobs}`,
    make: ["make", `-j${jobs}`],
    env: {},
    missing: () => [],
    prepare: () => Promise.resolve(),
    fresh: (folder) => {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "Makefile"), MAKEFILE);
      for (let file = 0; file < SMALL_FILES; file++) writeFileSync(join(folder, `part${file}.c`), text(file));
      return Promise.resolve();
    },
    image: (folder) => hash(join(folder, "image")),
  };
}
