/** The 25 cases of what a parent observes, each in three ways; docs/transparency.md lists them by number. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../../src/lab/wait.js";
import { type Setting, ThreeWays } from "./three-ways.js";

let ways: ThreeWays;
let caller = "";
let parent = "";
let target = "";
/** The target, marked. */
let prog = "";
let bin = "";
beforeAll(async () => {
  ways = new ThreeWays();
  await ways.up();
  caller = ways.probe("caller");
  parent = ways.probe("parent");
  target = ways.probe("target");
  prog = ways.marked(target, "prog");
  bin = ways.bin;
});
afterAll(() => ways.end());

/** What the caller says; `migrated`: how many programs ran elsewhere when they could. */
const call = async (args: readonly string[], setting: Setting = {}) => {
  const { stdout, migrated } = await ways.all([caller, ...args], setting);
  return { said: stdout, migrated };
};
const folder = (name: string): string => {
  const path = join(ways.bed.work, name);
  mkdirSync(path, { recursive: true });
  return path;
};

describe("a parent that", () => {
  it("1 reads errno first thing in main", async () => {
    expect(await call(["execve", prog])).toEqual({
      said: expect.stringContaining("errno 0\n") as string,
      migrated: 1,
    });
  });

  it("2 execs a FIFO", async () => {
    const fifo = join(ways.bed.work, "fifo");
    await ways.bed.shell(`mkfifo ${fifo}`);
    for (const how of ["execve", "execvp", "posix_spawn"])
      expect((await call([how, fifo])).said).toContain("error 13");
  });

  it("3 has a file that cannot be executed first in PATH, and the program second", async () => {
    writeFileSync(join(folder("first"), "prog"), "data", { mode: 0o644 });
    for (const how of ["execvp", "execlp", "execvpe", "posix_spawnp"]) {
      const { said, migrated } = await call([how, "prog", "x"], {
        env: { PATH: `${folder("first")}:${bin}` },
      });
      expect([said.includes("argv x\n"), migrated]).toEqual([true, 1]);
    }
  });

  it("4 has only files that cannot be executed", async () => {
    writeFileSync(join(folder("first"), "none"), "data", { mode: 0o644 });
    expect((await call(["execvp", "none"], { env: { PATH: folder("first") } })).said).toContain("error 13");
  });

  it("5 execvp's and spawns a script without #!", async () => {
    writeFileSync(join(bin, "headless"), "echo from sh $1\n", { mode: 0o755 });
    const env = { PATH: `${bin}:/usr/bin:/bin` };
    expect((await call(["execvp", "headless", "x"], { env })).said).toContain("from sh x");
    expect((await call(["posix_spawnp", "headless", "x"], { env })).said).toContain("error 8");
  });

  it("6 has an empty element in PATH", async () => {
    for (const PATH of [":/usr/bin", "/nonexistent:"]) {
      const { said, migrated } = await call(["execvp", "prog"], { env: { PATH }, cwd: bin });
      expect([said.includes(`cwd ${bin}\n`), migrated]).toEqual([true, 1]);
    }
  });

  it("7 gives posix_spawnp another PATH for the program", async () => {
    const args = ["--env-path=/nonexistent", "posix_spawnp", "prog", "x"];
    const { said, migrated } = await call(args, { env: { PATH: bin } });
    expect([said.includes("argv x\n"), migrated]).toEqual([true, 1]);
  });

  it("8 spawns ./prog in another directory", async () => {
    copyFileSync(prog, join(folder("there"), "prog"));
    const { said, migrated } = await call([`--chdir=${folder("there")}`, "posix_spawn", "./prog"]);
    expect([said.includes(`cwd ${folder("there")}\n`), migrated]).toEqual([true, 0]);
  });

  it("9 creates a file with O_EXCL, with and without the stand-in", async () => {
    const file = join(ways.bed.work, "created");
    const before = (): void => rmSync(file, { force: true });
    for (const shimmed of [{}, { PANTS_PREX: "/nonexistent" }]) {
      const { said } = await call([`--create=${file}`, "posix_spawn", prog, "--quiet"], { before, shimmed });
      expect([said, existsSync(file)]).toEqual(["spawn status 0 pid right\n", true]);
    }
  });

  it("10 wants no pid", async () => {
    expect(await call(["--nopid", "posix_spawn", prog])).toMatchObject({ migrated: 1 });
  });

  it("11 fails to spawn", async () => {
    const { said } = await call(["posix_spawn", "/nonexistent"]);
    expect(said).toBe("spawn error 2 pid untouched child none\n");
    chmodSync(join(bin, "headless"), 0o644);
    expect((await call(["posix_spawn", join(bin, "headless")])).said).toContain(
      "error 13 pid untouched child none",
    );
  });

  it("12 vforks, and the exec fails", async () => {
    expect((await call(["--vfork", "execve", "/nonexistent"])).said).toBe("exec error 2\nstatus 6300\n");
  });

  it("13 vforks from eight threads while others allocate", async () => {
    const vforks = ways.probe("vforks");
    const { stdout, migrated } = await ways.all([vforks, prog, "8", "200"]);
    expect([stdout, migrated]).toEqual(["runs 200 bad 0\n", 175]);
  });

  it("14 has no descriptor left", async () => {
    expect((await call(["--nofile", "execve", prog, "--quiet"])).said).toContain("status 0");
    expect((await call(["--nofile", "posix_spawn", prog, "--quiet"])).said).toContain("status 0");
  });

  it("15 has arguments at the kernel's limit", async () => {
    let elsewhere = 0;
    for (const size of [1_000_000, 2_060_000, 2_080_000, 2_090_000, 2_200_000])
      elsewhere += (await call([`--pad=${size}`, "execve", prog])).migrated;
    expect(elsewhere).toBeGreaterThan(0);
  });

  it("16 gives no arguments at all", async () => {
    expect((await call(["--argv-null", "execve", prog])).said).toContain("argc");
  });

  it("17 gives another name and two thousand arguments", async () => {
    const many = Array.from({ length: 2000 }, (_, i) => `argument-${i}`);
    expect(await call(["execve", prog, ...many])).toMatchObject({ migrated: 1 });
    const named = await ways.all(["bash", "-c", `(exec -a other ${prog} x)`]);
    expect([named.stdout.includes("argv other\n"), named.migrated]).toEqual([true, 1]);
  });

  it("18 ignores SIGPIPE and blocks SIGUSR1", async () => {
    const { said, migrated } = await call(["--ignore=13", "--block=10", "execve", prog]);
    // Whoever runs the tests may ignore other signals too: SIGINT and SIGQUIT in the background, real-time ones under CI.
    expect(said).toMatch(/SigBlk:\s+0*200\n[^]*SigIgn:\s+[0-9a-f]*[13579bdf][0-9a-f]{3}\n/);
    expect(migrated).toBe(1);
  });

  it("19 sees its child die of a signal", async () => {
    const { said, migrated } = await call(["execve", prog, "--quiet"], { env: { TARGET_END: "s11" } });
    expect([said.replace("8b", "b"), migrated]).toEqual(["status b\n", 1]);
  });

  it("20 stops its child, and lets it go on", async () => {
    const sleeper = ways.marked("/bin/sh", "sh");
    for (const signal of ["19", "20", "21"]) {
      const args = [parent, "stop", signal, sleeper, "-c", "echo up; while :; do sleep 0.05; done"];
      const { stdout, migrated } = await ways.all(args);
      expect([stdout, migrated]).toEqual([
        `stopping: stopped by ${signal}\ncontinuing: goes on\nending: died of 15\n`,
        1,
      ]);
    }
  });

  it("22 holds a close-on-exec descriptor", async () => {
    const { said, migrated } = await call(["--cloexec", "execve", prog]);
    expect([said.includes("fds 0 1 2\n"), migrated]).toEqual([true, 1]);
  });

  it("23 is traced", async () => {
    const { stdout, migrated } = await ways.all([
      "strace",
      "-f",
      "-qq",
      "-o",
      "/dev/null",
      caller,
      "execve",
      prog,
    ]);
    expect([stdout.includes("argc 1\n"), migrated]).toEqual([true, 0]);
  });

  it("24 execs a setuid, an execute-only and a deleted file", async () => {
    const odd = join(bin, "odd");
    for (const mode of [0o4755, 0o2755, 0o111]) {
      copyFileSync(prog, odd);
      chmodSync(odd, mode);
      expect((await call(["execve", odd])).said).toContain("argc 1\n");
    }
    const gone = join(bin, "gone");
    const before = (): void => {
      copyFileSync(prog, `${gone}.new`);
      renameSync(`${gone}.new`, gone);
    };
    const { stdout } = await ways.all(
      ["bash", "-c", `exec 9< ${gone}; rm ${gone}; ${caller} execve /dev/fd/9`],
      { before },
    );
    expect(stdout).toContain("argc 1\n");
  });

  it("25 kills its child, or dies itself with PDEATHSIG set", async () => {
    const sh = ways.marked("/bin/sh", "sh");
    const tree = ["-c", "(setsid sh -c '(sleep 987 &); sleep 987' &) ; echo up; sleep 987"];
    const leftovers = (): number => ways.bed.processes("987").length;
    const before = (): void => {
      if (leftovers() > 0) for (const pid of ways.bed.processes("987")) process.kill(pid, "SIGKILL");
    };
    for (const what of ["kill", "orphan"]) {
      const { code } = await ways.run("migrated", [parent, what, sh, "-c", "echo up; sleep 987"], { before });
      expect(code).toBe(0);
      const far = ways.start("migrated", [parent, what, sh, ...tree], {});
      expect(await ways.bed.finish(far)).toMatchObject({
        code: 0,
        stdout: expect.stringContaining("dead 1") as string,
      });
      await until("the whole tree to be dead", () => leftovers() === 0);
    }
  });
});
