/** Hosts on which something is wrong: each is said in words, and the program runs here or gets on without what failed. */
import { execFileSync } from "node:child_process";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { native } from "../../src/io/native.js";
import { Bed } from "./bed.js";

let bed: Bed;
afterEach(() => bed.end());

const root = process.getuid?.() === 0;
const has = (program: string): boolean => {
  try {
    execFileSync("sh", ["-c", `command -v ${program}`]);
    return true;
  } catch {
    return false;
  }
};

describe("a far login", () => {
  it.each(["fish", "csh"])("with %s for a shell is as good as another", async (shell) => {
    bed = new Bed();
    if (!has(shell)) {
      console.warn(`not tested with ${shell}: no Debian package ${shell}`);
      return;
    }
    expect(await bed.on(shell, "echo there; exit 3")).toMatchObject({
      code: 3,
      stdout: "there\n",
      stderr: "",
    });
    expect((await bed.prexd()).links[0]?.host).toBe(shell);
  });

  it("without the agent is left out, and said", async () => {
    bed = new Bed();
    expect(await bed.on("lacks", "echo here")).toMatchObject({ code: 0, stdout: "here\n" });
    expect(bed.noLink()).toMatch(/not found/);
    const begun = performance.now();
    expect((await bed.on("lacks", "echo here")).stdout).toBe("here\n");
    expect(performance.now() - begun).toBeLessThan(2000); // it is not asked again at once
  });

  it("that says nothing at all is given up after 8 s", async () => {
    bed = new Bed();
    expect(await bed.on("mute", "echo here")).toMatchObject({ code: 0, stdout: "here\n" });
    expect(bed.noLink()).toContain("did not answer in 8 s");
  });
});

describe("an agent", () => {
  it("without memory to start is left out, and said", async () => {
    bed = new Bed();
    expect(await bed.on("small", "echo here")).toMatchObject({ code: 0, stdout: "here\n" });
    expect(bed.noLink()).toMatch(/./);
  });

  it("without a descriptor left refuses, and the program runs here", async () => {
    bed = new Bed();
    await bed.on("few", "true");
    const script =
      "seq 40 | xargs -P 40 -I N $PREX --on few /bin/sh -c 'sleep 0.3; echo N' 2>/dev/null | sort -n | tr '\\n' ' '";
    // What this test itself inherited may lie above the agent's limit: such a job would be refused for that.
    const alone = 'for fd in /proc/self/fd/*; do n=${fd##*/}; [ "$n" -lt 3 ] || eval "exec $n>&-"; done';
    const { stdout } = await bed.shell(`${alone}; ${script}`);
    expect(stdout.trim().split(" ")).toEqual(Array.from({ length: 40 }, (_, i) => String(i + 1)));
    native.tableOpen(join(bed.runtime, "slots"), 0, 0);
    const records = native.whyRead(40);
    native.tableClose();
    expect(
      records.some(({ where, detail: why }) => where === 0 && why.includes("cannot be started there")),
    ).toBe(true);
    expect(records.some(({ where }) => where === 1)).toBe(true);
    expect((await bed.on("few", "echo again")).stdout).toBe("again\n");
  });

  it.skipIf(!root)("whose disk is full is left out, and said", async () => {
    bed = new Bed();
    await bed.on("good", "true"); // makes the directories
    expect(await bed.on("crowded", "echo here")).toMatchObject({ code: 0, stdout: "here\n" });
    expect(bed.noLink()).toMatch(/No space left on device/);
  });
});

describe("a full disk at home", () => {
  it.skipIf(!root)("ends the far writer, with all that fits written", async () => {
    bed = new Bed();
    await bed.on("far", "true");
    const folder = join(bed.work, "full");
    mkdirSync(folder);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "none", folder]);
    try {
      const { stdout } = await bed.shell(`$PREX --on far /usr/bin/yes > ${folder}/out 2>/dev/null; echo $?`);
      expect(stdout).toBe("141\n"); // SIGPIPE: what it wrote before the disk was full had been taken already
      expect(statSync(join(folder, "out")).size).toBe(64 * 1024);
      expect((await bed.on("far", "echo fine")).stdout).toBe("fine\n");
    } finally {
      execFileSync("umount", ["-l", folder]);
    }
  });
});

describe("a library that is missing there", () => {
  it.skipIf(!root)("makes the host refuse, and the program runs here", async () => {
    bed = new Bed();
    const folder = join(bed.directory, "lib");
    mkdirSync(folder);
    bed.hide(folder);
    writeFileSync(join(folder, "lib.c"), "int probe(void) { return 7; }\n");
    writeFileSync(join(bed.work, "prog.c"), "int probe(void);\nint main(void) { return probe(); }\n");
    execFileSync("cc", ["-shared", "-fPIC", "-o", join(folder, "libprobe.so"), join(folder, "lib.c")]);
    const prog = join(bed.work, "prog");
    execFileSync("cc", ["-o", prog, `${prog}.c`, `-L${folder}`, "-lprobe", `-Wl,-rpath,${folder}`]);
    expect(await bed.on("far", [prog])).toMatchObject({ code: 7, stderr: "" });
    const { code, stderr } = await bed.on("apart", [prog]);
    expect(code).toBe(7);
    expect(stderr).toContain("running"); // here
    expect(stderr).toContain("library libprobe.so of");
  });
});
