/** Every exec and spawn function: what a parent observes is the same without the shim and in every way with it. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { MIGRATABLE, NEVER, preload, type Result, root, sanitized, shim, World } from "./world.js";

const world = new World();
const bin = join(world.dir, "bin");
let caller = "";
let target = "";
let plain = ""; // the target under a name of its own, replaced by a marked file of the same name

beforeAll(() => {
  caller = world.probe("caller");
  target = world.probe("target");
  plain = join(bin, "prog");
});
beforeEach(() => {
  world.slots(4);
  world.state();
  copyFileSync(target, plain);
});
afterAll(() => world.remove());

/** What of a result must not change: everything but the stand-in's debug lines, which are off. */
const seen = (r: Result): string => `${r.status}/${r.signal}\n${r.stdout}\n${r.stderr}`;

/** Runs `args` of the caller without the shim, then in each way with it, and returns what all agreed on. */
function allWays(
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string; before?: () => void } = {},
): string {
  const { env = {}, cwd = world.dir, before = () => undefined } = options;
  const once = (way: () => Result): string => {
    before();
    return seen(way());
  };
  const native = once(() => world.run([caller, ...args], env, cwd));
  expect(
    once(() => world.shimmed([caller, ...args], env, cwd)),
    "unmarked",
  ).toBe(native);
  world.marked(target, MIGRATABLE, "prog");
  expect(
    once(() => world.shimmed([caller, ...args], env, cwd)),
    "marked, idle",
  ).toBe(native);
  world.state({ busy: true });
  expect(
    once(() => world.shimmed([caller, ...args], env, cwd)),
    "marked, busy, no helper",
  ).toBe(native);
  expect(
    once(() => world.shimmed([caller, ...args], { ...env, PANTS_PREX: "/nonexistent" }, cwd)),
    "no stand-in",
  ).toBe(native);
  expect(
    once(() => world.shimmed([caller, ...args], { ...env, PANTS_PREX: target + ".txt" }, cwd)),
    "stand-in unusable",
  ).toBe(native);
  return native;
}

describe.each([
  "execve",
  "execv",
  "execvp",
  "execvpe",
  "execl",
  "execlp",
  "execle",
  "posix_spawn",
  "posix_spawnp",
])("%s", (how) => {
  it("starts a program with its arguments and environment", () => {
    expect(allWays([how, plain, "one", "two"], { env: { PROBE_X: "1" } })).toContain("argv two");
  });
  it("starts a program after vfork", () => {
    expect(allWays(["--vfork", how, plain, "one"])).toContain("argv one");
  });
  it("says why a program cannot be started", () => {
    expect(allWays([how, "/nonexistent/program"])).toMatch(/error 2/);
    expect(allWays(["--vfork", how, "/nonexistent/program"])).toMatch(/error 2/);
    expect(allWays([how, world.dir])).toMatch(/error 13/);
  });
  it("does not hang on a FIFO", () => {
    const fifo = join(world.dir, "fifo");
    world.run(["mkfifo", fifo]);
    expect(allWays([how, fifo])).toMatch(/error 13/);
    rmSync(fifo);
  });
  it("hands on the program's end: status 7, SIGSEGV", () => {
    expect(allWays([how, plain, "--quiet"], { env: { TARGET_END: "7" } })).toContain("status 700");
    expect(allWays([how, plain, "--quiet"], { env: { TARGET_END: "s11" } })).toMatch(/status 8?b\b/);
  });
  it("keeps masks, descriptors and the working directory", () => {
    const out = allWays(["--ignore=13", "--block=10", "--cloexec", "--close=0", how, plain]);
    expect(out).toContain("fds 1 2\n");
    expect(out).toMatch(/SigBlk:\s+0000000000000200/);
  });
  it("gives the native answer when no descriptor is left", () => {
    expect(allWays(["--nofile", how, plain, "--quiet"])).toContain("status");
  });
});

describe.each(["execvp", "execvpe", "execlp", "posix_spawnp"])("%s along PATH", (how) => {
  it("passes over what cannot be executed", () => {
    const first = join(world.dir, "first");
    mkdirSync(first, { recursive: true });
    writeFileSync(join(first, "prog"), "data", { mode: 0o644 });
    expect(allWays([how, "prog", "x"], { env: { PATH: `${first}:${bin}` } })).toContain("argv x");
  });
  it("says EACCES when nothing can be executed", () => {
    const first = join(world.dir, "first");
    mkdirSync(first, { recursive: true });
    writeFileSync(join(first, "prog2"), "data", { mode: 0o644 });
    expect(allWays([how, "prog2"], { env: { PATH: `${first}:/nonexistent` } })).toMatch(/error 13/);
  });
  it("takes an empty element for the working directory", () => {
    expect(allWays([how, "prog", "x"], { env: { PATH: ":/usr/bin" }, cwd: bin })).toContain("argv x");
    expect(allWays([how, "prog", "x"], { env: { PATH: "/nonexistent:" }, cwd: bin })).toContain("argv x");
  });
  it("does without PATH", () => {
    expect(allWays([how, "prog"], { env: { PATH: "" }, cwd: bin })).toContain("argc 1");
  });
  it("searches the caller's PATH, not the program's", () => {
    if (how === "execlp") return; // takes no environment
    expect(allWays(["--env-path=/nonexistent", how, "prog", "x"], { env: { PATH: bin } })).toContain(
      "argv x",
    );
  });
  it("runs a script without #! by a shell, but for posix_spawnp", () => {
    writeFileSync(join(bin, "headless"), "echo from sh $1\n", { mode: 0o755 });
    const out = allWays([how, "headless", "x"], { env: { PATH: `${bin}:/usr/bin:/bin` } });
    expect(out).toMatch(how === "posix_spawnp" ? /error 8/ : /from sh x/);
  });
});

describe("posix_spawn", () => {
  it("takes no pid", () => expect(allWays(["--nopid", "posix_spawn", plain, "x"])).toContain("status 0"));
  it("resolves a relative path where the file actions lead", () => {
    mkdirSync(join(world.dir, "elsewhere"), { recursive: true });
    const there = join(world.dir, "elsewhere", "prog");
    const out = allWays([`--chdir=${join(world.dir, "elsewhere")}`, "posix_spawn", "./prog", "x"], {
      cwd: bin,
      before: () => copyFileSync(plain, there),
    });
    expect(out).toContain(`cwd ${join(world.dir, "elsewhere")}`);
  });
  it("sends what a relative path names, unless file actions of the process may change that", () => {
    world.marked(target, MIGRATABLE, "prog");
    world.state({ busy: true });
    const file = join(world.dir, "made");
    const said = (option: string): string => {
      rmSync(file, { force: true });
      const call = [caller, option, "posix_spawn", "./prog", "--quiet"];
      return world.shimmed(call, { PANTS_DEBUG: "1" }, bin).stderr;
    };
    expect(said(`--create=${file}`)).toContain("standing in");
    expect(said(`--chdir=${bin}`)).toContain("file actions that may change a relative path");
  });
  it("does file actions once", () => {
    const file = join(world.dir, "created");
    const out = allWays([`--create=${file}`, "posix_spawn", plain, "--quiet"], {
      before: () => rmSync(file, { force: true }),
    });
    expect(out).toContain("status 0");
    expect(existsSync(file)).toBe(true);
  });
  it("fails as a failed file action fails", () => {
    const file = join(world.dir, "there");
    writeFileSync(file, "");
    expect(allWays([`--create=${file}`, "posix_spawn", plain])).toContain(
      "error 17 pid untouched child none",
    );
  });
});

describe("arguments", () => {
  it("starts a program without any, as the kernel does", () => {
    expect(allWays(["--argv-null", "execve", plain])).toContain("argc");
  });
  it("hands on thousands", () => {
    const many = Array.from({ length: 2000 }, (_, i) => `argument-${i}`);
    expect(allWays(["execve", plain, ...many])).toContain("argc 2001");
  });
  it("runs near the kernel's limit, and says E2BIG above it", () => {
    for (const size of [2_000_000, 2_070_000, 2_085_000, 2_090_000, 2_093_000])
      allWays([`--pad=${size}`, "execve", plain]);
    expect(allWays(["--pad=2200000", "execve", plain])).toContain("error 7");
    for (const size of [2_085_000, 2_090_000, 2_200_000]) allWays([`--pad=${size}`, "posix_spawn", plain]);
  });
});

describe("what is never stood in for", () => {
  const decide = (path: string, env: Record<string, string> = {}): string =>
    world.shimmed([caller, "execve", path, "--quiet"], { PANTS_DEBUG: "1", ...env }).stderr;

  beforeEach(() => world.state({ busy: true }));

  it("stands in when nothing speaks against it", () => {
    expect(decide(world.marked(target, MIGRATABLE, "prog"))).toContain("standing in: this host is busy");
  });
  it("an unmarked, a never-marked, a foreign program", () => {
    expect(decide(plain)).toBe("");
    expect(decide(world.marked(target, NEVER, "prog"))).toBe("");
    expect(decide(world.marked(target, 0x61000000, "prog"))).toBe("");
  });
  it("a setuid or setgid program", () => {
    const path = world.marked(target, MIGRATABLE, "prog");
    for (const mode of [0o4755, 0o2755]) {
      chmodSync(path, mode);
      expect(decide(path)).toContain("here: cannot be carried: setuid or setgid");
    }
    chmodSync(path, 0o755);
  });
  it("a program with capabilities", (context) => {
    const path = world.marked(target, MIGRATABLE, "prog");
    if (
      world.run(["sh", "-c", `setcap cap_net_raw+ep ${path}`], { PATH: "/usr/sbin:/sbin:/usr/bin:/bin" })
        .status !== 0
    )
      return context.skip("setcap is not there or may not");
    expect(decide(path)).toContain("has capabilities");
  });
  it("a traced process", (context) => {
    const path = world.marked(target, MIGRATABLE, "prog");
    const command = [
      "strace",
      "-f",
      "-qq",
      "-o",
      "/dev/null",
      "-E",
      `LD_PRELOAD=${preload}`,
      caller,
      "execve",
      path,
      "--quiet",
    ];
    if (world.run(["sh", "-c", "command -v strace"]).status !== 0)
      return context.skip("strace is not installed");
    expect(world.run(command, { PANTS_DEBUG: "1" }).stderr).toContain("here: cannot be carried: traced");
  });
  it("anything while PANTS_DISABLE=1", () => {
    expect(decide(world.marked(target, MIGRATABLE, "prog"), { PANTS_DISABLE: "1" })).toBe("");
  });
});

it("is found beside itself, in the build tree and installed", () => {
  world.state({ busy: true });
  const path = world.marked(target, MIGRATABLE, "prog");
  const lib = join(world.dir, "lib");
  const copy = join(lib, "libprex.so");
  mkdirSync(join(lib, "pants", "build", "Release"), { recursive: true });
  copyFileSync(shim, copy);
  const decision = (): string =>
    world.run([caller, "execve", path, "--quiet"], {
      ...{ LD_PRELOAD: preload.replace(shim, copy), PANTS_PREX: "", PANTS_DEBUG: "1" },
    }).stderr;
  expect(decision()).toContain("prex is not beside libprex.so");
  copyFileSync(world.prex, join(lib, "pants", "build", "Release", "prex"));
  expect(decision()).toContain("standing in");
  rmSync(join(lib, "pants"), { recursive: true });
  copyFileSync(world.prex, join(lib, "prex"));
  expect(decision()).toContain("standing in");
});

it.skipIf(sanitized)("needs libc and nothing else, and exports the wrappers alone", () => {
  expect(world.run(["sh", "-c", `readelf -d ${shim} | grep -c NEEDED`]).stdout.trim()).toBe("1");
  const exported = world.run(["sh", "-c", `nm -D --defined-only ${shim}`]).stdout;
  const names = [...exported.matchAll(/ [TW] (\S+)/g)].map((m) => m[1]?.replace(/@.*/, ""));
  for (const name of names)
    expect(name).toMatch(
      /^(__)?(exec(ve|v|vp|vpe|l|lp|le)|posix_spawn(p|_file_actions_addf?chdir_np)?|pidfd_spawnp?)$/,
    );
  expect(existsSync(join(root, "native", "shim", "libprex.map"))).toBe(true);
});

it("starts programs from eight threads by vfork while others allocate", { timeout: 300_000 }, () => {
  const vforks = world.probe("vforks");
  const runs = sanitized ? 2000 : 20_000;
  expect(world.shimmed([vforks, plain, "8", String(runs / 4)]).stdout).toBe(`runs ${runs / 4} bad 0\n`);
  const marked = world.marked(target, MIGRATABLE, "prog");
  expect(world.shimmed([vforks, marked, "8", String(runs / 4)]).stdout).toBe(`runs ${runs / 4} bad 0\n`);
  expect(world.words().filter((word) => word >> 48n !== 0n)).toEqual([]);
});

// A sanitizer reads the path itself.
it.skipIf(sanitized)("answers EFAULT to a path that cannot be read, as the kernel does", () => {
  const probe = world.probe("badpath");
  const native = world.run([probe]);
  expect(native.stdout).toBe("14 14 14 14\n");
  expect(world.shimmed([probe])).toEqual(native);
});
