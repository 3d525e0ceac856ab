/** The programs of bench/micro, compiled where all hosts see them; those of the children are marked migratable. */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { changeMark, MIGRATABLE } from "../../../io/mark.js";
import { packageRoot } from "../../../io/paths.js";
import { Unavailable } from "../experiment.js";

/** Compiles the parent and one kind of child. @throws {Unavailable} without a compiler */
export function compile(folder: string, kind: string): { readonly parent: string; readonly child: string } {
  mkdirSync(folder, { recursive: true });
  const [parent, child] = ["parent", kind].map((name) => {
    const program = join(folder, name);
    const source = join(packageRoot, "bench", "micro", `${name}.c`);
    try {
      execFileSync("cc", ["-std=gnu11", "-O2", "-o", program, source], { stdio: ["ignore", "pipe", "pipe"] });
    } catch (error) {
      const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: Buffer };
      throw new Unavailable(
        code === "ENOENT" ? "no C compiler (cc) here" : `cc ${source}: ${String(stderr).trim()}`,
      );
    }
    return program;
  });
  if (parent === undefined || child === undefined) throw new Error("nothing was compiled");
  changeMark(child, () => MIGRATABLE);
  return { parent, child };
}
