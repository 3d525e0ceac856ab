/** Which files a job changed, as programs of this host write them. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Folders, foldersOf } from "../../src/agent/changes.js";
import { native } from "../../src/io/native.js";

const words = (...argv: string[]): Buffer[] => ["program", ...argv].map((word) => Buffer.from(word));

describe("the folders of a command line", () => {
  it.each([
    [
      ["-c", "a.c"],
      [".", "a.c"],
    ],
    [
      ["-o", "out/a.o", "src/deep/a.c"],
      [".", "out", "src/deep", "out/a.o", "src/deep/a.c"],
    ],
    [
      ["-oout/a.o", "-Iinclude", "-Iboth/include"],
      [".", "out", "both", "out/a.o"],
    ],
    [
      ["--cpp_out=gen", "-Wp,-MD,x/.a.d"],
      [".", "x", "gen", "x/.a.d"],
    ],
    [
      ["/a", "/"],
      [".", "/", "/a"],
    ],
    [[""], ["."]],
  ])("%j", (argv, folders) => {
    const found = foldersOf(words(...argv));
    for (const folder of folders) expect([...found]).toContain(folder);
  });

  it("are bounded", () => {
    const many = Array.from({ length: 3000 }, (_, i) => `d${i}/f`);
    expect(foldersOf(words(...many)).size).toBeLessThan(600);
  });
});

describe("files that a job changes", () => {
  let cwd: string;
  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), "pants-changes-"));
    for (const folder of ["sub", "sub/deeper", "other"]) mkdirSync(join(cwd, folder));
    writeFileSync(join(cwd, "old"), "a");
  });
  afterEach(() => {
    rmSync(cwd, { recursive: true });
  });

  const run = (script: string): void => {
    execFileSync("sh", ["-c", script], { cwd });
  };
  const list = (changed: Buffer): string[] => changed.toString().split("\0").slice(0, -1).sort();

  it("are those that were written or touched in its folders, whichever program did it", () => {
    const folders = new Folders();
    run("echo before > old");
    const changes = folders.watch(Buffer.from(cwd), words("sub/in", "absent/in", "old"));
    run(
      "echo b >> old; touch 'with space'; cd sub; printf x > y; (echo late > deeper/z) & wait; cat y > /dev/null",
    );
    expect(list(changes.end())).toEqual(["old", "sub/y", "with space"]);
    run("echo after > old");
    const next = folders.watch(Buffer.from(cwd), words());
    expect(list(next.end())).toEqual([]);
  });

  it("are told to each of several jobs in one folder, as each names it", () => {
    const folders = new Folders();
    const one = folders.watch(Buffer.from(cwd), words("sub/x"));
    const other = folders.watch(Buffer.from(join(cwd, "sub")), words(join(cwd, "old")));
    run("echo b > sub/x; echo c > old");
    expect(list(one.end())).toEqual(["old", "sub/x"]);
    run("echo d > sub/w");
    expect(list(other.end())).toEqual([join(cwd, "old"), "w", "x"]);
  });

  it("are found by whatever path, once", () => {
    symlinkSync("sub", join(cwd, "link"));
    const folders = new Folders();
    const changes = folders.watch(Buffer.from(cwd), words("link/a", "sub/a", "./a", "-olink"));
    run("echo b > sub/a; echo b > a");
    expect(list(changes.end())).toEqual(["a", "link/a"]);
  });

  it("fill no more than a frame", () => {
    const folders = new Folders();
    const changes = folders.watch(Buffer.from(cwd), words());
    run("for i in $(seq 2000); do : > long-name-of-a-file-$i; done");
    const changed = changes.end();
    expect(list(changed)).toHaveLength(1024);
    expect(changed.length).toBeLessThanOrEqual(48 * 1024);
  });

  it("cannot be told of a folder that is none, or may not be read", () => {
    expect(native.watchFolder(Buffer.from(join(cwd, "old")))).toBe(-20);
    expect(native.watchFolder(Buffer.from(join(cwd, "none")))).toBe(-2);
    expect(native.watchFolder(Buffer.from("a\0b"))).toBe(-22);
  });
});
