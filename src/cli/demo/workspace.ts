/** Sources to build and a marked compiler to build them with, in a folder of their own. */
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { packageRoot } from "../../io/paths.js";
import { copyCompiler } from "./toolchain.js";

/** Outputs of a build: SHA-256 by path below its output folder. */
export type Outputs = ReadonlyMap<string, string>;

/** A folder with a Makefile, C sources, and gcc in `toolchain/bin`. */
export class Workspace {
  readonly folder: string;

  /** `grammars`: only these (`c`, `go`, ...). Default: every one that is installed. */
  constructor(grammars?: readonly string[]) {
    this.folder = mkdtempSync(join(realpathSync(tmpdir()), "pants-build-"));
    try {
      const modules = join(packageRoot, "node_modules");
      const all = readdirSync(modules).filter((name) => /^tree-sitter-\w+$/.test(name));
      const names = grammars ? grammars.map((name) => `tree-sitter-${name}`) : all;
      for (const name of names) copySources(join(modules, name), join(this.folder, name));
      cpSync(join(packageRoot, "demo", "Makefile"), join(this.folder, "Makefile"));
      copyCompiler(this.toolchain);
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  get toolchain(): string {
    return join(this.folder, "toolchain");
  }

  /** PATH with the marked compiler first. */
  path(rest = process.env["PATH"] ?? "/usr/bin:/bin"): string {
    return `${join(this.toolchain, "bin")}:${rest}`;
  }

  /** The object files in an output folder. */
  outputs(out: string): Outputs {
    const folder = join(this.folder, out);
    const files = existsSync(folder) ? walk(folder).filter((file) => file.endsWith(".o")) : [];
    const hash = (file: string): string => createHash("sha256").update(readFileSync(file)).digest("hex");
    return new Map(files.sort().map((file) => [relative(folder, file), hash(file)]));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Files of which two builds do not have the same. */
export function differences(a: Outputs, b: Outputs): string[] {
  return [...new Set([...a.keys(), ...b.keys()])].filter((file) => a.get(file) !== b.get(file));
}

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? walk(path) : [path];
  });
}

/** C files and headers, where they stand in the package. */
function copySources(from: string, to: string): void {
  const wanted = /^(?:[^/]+\/)?(?:src|common)\/(?:tree_sitter\/)?[^/]+\.[ch]$/;
  for (const file of walk(from)) {
    const path = relative(from, file);
    if (!wanted.test(path)) continue;
    mkdirSync(dirname(join(to, path)), { recursive: true });
    cpSync(file, join(to, path));
  }
}
