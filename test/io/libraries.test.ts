/** Libraries of programs: found as the loader finds them, and missed as soon as they are gone. */

import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { missingLibrary } from "../../src/io/libraries.js";
import { Environment } from "../../src/mux/environment.js";
import { scratch } from "./support.js";

const dir = scratch();
const lib = join(dir, "lib", "libpantsprobe.so");
const path = (name: string): Buffer => Buffer.from(join(dir, name));
const cwd = Buffer.from(dir);
const missing = (name: string, ...env: string[]): string =>
  missingLibrary(path(name), cwd, Environment.of(env.map((one) => Buffer.from(one))));

beforeAll(() => {
  mkdirSync(join(dir, "lib"));
  writeFileSync(join(dir, "lib.c"), "int probe(void) { return 0; }\n");
  writeFileSync(join(dir, "prog.c"), "int probe(void);\nint main(void) { return probe(); }\n");
  writeFileSync(join(dir, "plain.c"), "int main(void) { return 0; }\n");
  const cc = (...args: string[]): unknown => execFileSync("cc", args, { cwd: dir });
  cc("-shared", "-fPIC", "-o", lib, "lib.c");
  cc("-o", "bare", "prog.c", "-Llib", "-lpantsprobe");
  cc("-o", "own", "prog.c", "-Llib", "-lpantsprobe", "-Wl,-rpath,$ORIGIN/lib");
  cc("-static", "-o", "static", "plain.c");
});

describe("a program's libraries", () => {
  it("are found where the program, the environment or the host says", () => {
    expect(missing("own")).toBe("");
    expect(missing("bare")).toBe("libpantsprobe.so");
    expect(missing("bare", "X=1", `LD_LIBRARY_PATH=${dir}/lib`)).toBe("");
    expect(missing("bare", "LD_LIBRARY_PATH=lib")).toBe("");
    expect(missing("static")).toBe("");
    expect(missing("lib.c")).toBe("");
    expect(missing("nothing")).toBe("");
  });

  it("are found beside the file that a link leads to", () => {
    mkdirSync(join(dir, "elsewhere"));
    symlinkSync("../own", join(dir, "elsewhere", "first"));
    symlinkSync("elsewhere/first", join(dir, "second"));
    expect(missing("elsewhere/first")).toBe("");
    expect(missing("second")).toBe("");
  });

  it("are missed when one is taken away, and found again when it is back", () => {
    expect(missing("own")).toBe("");
    renameSync(lib, `${lib}.away`);
    expect(missing("own")).toBe("libpantsprobe.so");
    renameSync(`${lib}.away`, lib);
    expect(missing("own")).toBe("");
  });

  it("cost less than 50 us to look at again", () => {
    const rounds = 2000;
    const program = Buffer.from(process.execPath);
    missingLibrary(program, cwd, Environment.of([]));
    const times = Array.from({ length: rounds }, () => {
      const begun = performance.now();
      missingLibrary(program, cwd, Environment.of([]));
      return (performance.now() - begun) * 1000;
    }).sort((a, b) => a - b);
    console.log(`${times[rounds / 2]?.toFixed(1)} us for ${process.execPath}`);
    expect(times[rounds / 2]).toBeLessThan(50);
  });
});
