/** What a job wrote on a file system whose client caches: seen here when its status is. bindfs plays the client. */
import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../src/io/paths.js";
import { Bed } from "./bed.js";

/** Longer than any test: whoever sees a change has not waited for it. */
const CACHED = "attr_timeout=600,entry_timeout=600,negative_timeout=600";

const missing = ((): string => {
  if (process.getuid?.() !== 0) return "needs root";
  if (spawnSync("bindfs", ["--version"]).status !== 0) return "needs bindfs";
  return existsSync("/dev/fuse") ? "" : "needs /dev/fuse";
})();
if (missing !== "") console.log(`skipped: files that settle: ${missing}`);

describe.skipIf(missing !== "")("on a file system whose client caches", () => {
  let bed: Bed;
  let here = "";
  const source = (name: string): string => join(`${here}.src`, name);
  const at = (name: string): string => join(here, name);
  beforeAll(() => {
    bed = new Bed();
    here = join(bed.work, "shared");
    for (const path of [here, `${here}.src`]) mkdirSync(path);
    execFileSync("bindfs", ["-o", CACHED, `${here}.src`, here]);
    bed.hide(here);
  });
  afterAll(async () => {
    // What still has its directory there ends first.
    const prexd = await bed.prexd().catch(() => undefined);
    if (prexd !== undefined) process.kill(prexd.pid, "SIGINT");
    execFileSync("umount", ["-l", here]);
    await bed.end();
  });

  it("this host would not see what others write", () => {
    writeFileSync(at("old"), "a");
    expect([statSync(at("old")).size, existsSync(at("new"))]).toEqual([1, false]);
    appendFileSync(source("old"), "b");
    writeFileSync(source("new"), "");
    expect([statSync(at("old")).size, existsSync(at("new"))]).toEqual([1, false]);
  });

  const run = async (cwd: string, script: string, ...words: string[]): Promise<void> => {
    const prex = 'exec "$PREX" --on direct /bin/sh -c "$@"';
    const job = bed.start(["/bin/sh", "-c", prex, "sh", script, "sh", ...words], { cwd });
    expect(await bed.finish(job)).toEqual({ code: 3, signal: null, stdout: "there\n", stderr: "" });
  };
  /** Proves where it ran: only there is the directory not FUSE. */
  const there = '[ "$(stat -f -c %T .)" != fuseblk ] && [ "$(stat -f -c %T .)" != fuse ] && echo there';

  it.each([
    ["named by itself", (name: string) => name],
    ["named behind a letter", (name: string) => `-o${name}`],
    ["named behind = and ,", (name: string) => `-Wp,-MMD,--x=${name}`],
    ["named by its path", (name: string) => at(name)],
  ])("it sees what its job wrote: a file %s", async (what, word) => {
    const [grown, made] = [`grown ${what}`, `made ${what}`].map((name) => name.replaceAll(/[ =,]/g, "-")) as [
      string,
      string,
    ];
    writeFileSync(at(grown), "a");
    expect([statSync(at(grown)).size, existsSync(at(made))]).toEqual([1, false]);
    const script = `${there}; echo b >> ${grown}; echo new > ${made}; exit 3`;
    await run(here, script, word(grown), word(made));
    expect([statSync(at(grown)).size, statSync(at(made)).size]).toEqual([3, 4]);
  });

  it.each([
    ["beside its input", "", "in"],
    ["in a folder that an argument names", "out/", "out"],
    ["in a folder where an argument names another", "deep/er/", "-Xdeep/er/other"],
    ["in a folder behind =", "gen/", "--cpp_out=gen"],
  ])("it sees what its job wrote in place and no argument names: %s", async (what, folder, word) => {
    const file = `${folder}derived-${what.replaceAll(" ", "-")}`;
    mkdirSync(at(folder), { recursive: true });
    writeFileSync(at(file), "a");
    expect(statSync(at(file)).size).toBe(1);
    await run(here, `${there}; echo longer > ${file}; exit 3`, word);
    expect(statSync(at(file)).size).toBe(7);
  });

  it("and what is left of many that it wrote", async () => {
    const names = Array.from({ length: 300 }, (_, i) => `one-of-many-with-a-long-name-${i}`);
    for (const name of names) writeFileSync(at(name), "a");
    for (const name of names) expect(statSync(at(name)).size).toBe(1);
    await run(here, `${there}; for i in one-of-many-*; do echo longer > $i; done; exit 3`);
    expect(names.filter((name) => statSync(at(name)).size !== 7)).toEqual([]);
  });

  it("a program that home sends here sees what home has written", () => {
    writeFileSync(at("sent"), "a");
    expect([statSync(at("sent")).size, existsSync(at("header"))]).toEqual([1, false]);
    appendFileSync(source("sent"), "b");
    writeFileSync(source("header"), "new");
    const prex = join(packageRoot, "build", "Release", "prex");
    const argv = ["--hold", "3", "0", "/usr/bin/stat", "stat", "-c", "%n %s", "sent", "header"];
    const held = spawnSync(prex, argv, {
      cwd: here,
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      encoding: "utf8",
    });
    expect([held.stdout, held.stderr, held.status]).toEqual(["sent 2\nheader 3\n", "", 0]);
  });

  it("it looks for what is not there without making it", async () => {
    expect(existsSync(at("never"))).toBe(false);
    await run(here, `${there}; exit 3`, "never", at("nowhere/never"));
    expect([existsSync(source("never")), existsSync(at("never"))]).toEqual([false, false]);
  });
});

describe.skipIf(missing !== "")("on a file system whose client caches there", () => {
  let bed: Bed;
  let folder = "";
  beforeAll(() => {
    bed = new Bed();
    folder = join(bed.work, "shared");
    for (const path of [folder, `${folder}.served`]) mkdirSync(path);
    execFileSync("bindfs", ["-o", CACHED, folder, `${folder}.served`]);
    bed.hide(folder);
  });
  afterAll(async () => {
    execFileSync("umount", ["-l", `${folder}.served`]);
    await bed.end();
  });

  it("a program that was written over here is the new one there", async () => {
    for (const [program, said] of [
      ["/bin/echo", "a b\n"],
      ["/bin/basename", "a\n"],
      ["/usr/bin/printf", "a"],
    ] as const) {
      const { stdout, stderr } = await bed.shell(
        `cat ${program} >shared/p; chmod +x shared/p; $PREX --on served shared/p a b; $PREX --on served stat -f -c %T shared`,
      );
      expect(stderr.replace(/.*excess.*\n/, "")).toBe("");
      expect(stdout.replace(/fuse(blk)?\n$/, "")).toBe(said);
    }
  });
});
