/** A compiler of its own for a build: a marked copy, so that the system's stays as it is. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, realpathSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { changeMark, IDEMPOTENT, MIGRATABLE } from "../../io/mark.js";
import { which } from "../../lab/rights.js";

/** What a compiler is marked with when it may run anywhere, and more than once. */
export const ANYWHERE = MIGRATABLE | IDEMPOTENT;

/**
 * Copies the compiler's driver to FOLDER/bin/gcc and marks the copy; `mark` 0 leaves it unmarked. The driver looks for its
 * other parts beside itself, where links lead to them.
 * @returns the folder for PATH
 */
export function copyCompiler(folder: string, mark = ANYWHERE): string {
  const bin = join(folder, "bin");
  mkdirSync(bin, { recursive: true });
  const gcc = realpathSync(execFileSync("sh", ["-c", "command -v gcc"], { encoding: "utf8" }).trim());
  const prefix = dirname(dirname(gcc));
  for (const part of ["lib", "lib64", "libexec"]) {
    if (existsSync(join(prefix, part))) symlinkSync(join(prefix, part), join(folder, part));
  }
  const copy = join(bin, "gcc");
  cpSync(gcc, copy);
  changeMark(copy, () => mark);
  execFileSync(copy, ["-x", "c", "-c", "-o", "/dev/null", "/dev/null"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return bin;
}

/** Copies another program of PATH beside the compiler, and marks the copy. @throws when there is none of that name */
export function copyTool(name: string, bin: string, mark = ANYWHERE): void {
  const path = which(name);
  if (path === "") throw new Error(`no program ${name} in PATH`);
  cpSync(realpathSync(path), join(bin, name));
  changeMark(join(bin, name), () => mark);
}
