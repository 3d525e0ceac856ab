/** Programs of others, each starting a program in its own way: the same output and status with the shim as without. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Result, sanitized, World } from "./world.js";

const world = new World();
const bin = join(world.dir, "bin");
const work = join(world.dir, "work");
let target = "";

beforeAll(() => {
  target = world.probe("target");
});
beforeEach(() => {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work);
});
afterAll(() => world.remove());

/** Starts `bin/it`, a copy of the probe, in a way of its own. */
interface Way {
  readonly name: string;
  readonly argv: readonly string[];
  readonly files?: Record<string, string>;
  /** What it starts, instead of the probe. */
  readonly starts?: string;
}

const it_ = join(bin, "it");
const ways: Way[] = [
  {
    name: "bash",
    argv: ["bash", "-c", `${it_} a; x=$(${it_} b); echo "$x" | (exec ${it_} c); ${it_} d & wait $!; echo $?`],
  },
  {
    name: "dash",
    argv: ["dash", "-c", `${it_} a; x=$(${it_} b); echo "$x" | ${it_} c; ${it_} d & wait $!; echo $?`],
  },
  {
    name: "make",
    argv: ["make", "-sk", "-j2"],
    files: {
      Makefile: `all: a b c\na:\n\t@${it_} a\nb: a\n\t@x=1; ${it_} b\nc: b\n\t@TARGET_END=3 ${it_} c\n`,
    },
  },
  {
    name: "gcc",
    argv: ["gcc", `-B${bin}/`, "-c", "x.c", "-o", "x.o", "-v"],
    files: { "x.c": "int x;\n" },
    starts: "/usr/bin/as",
  },
  {
    name: "cmake",
    argv: ["cmake", "-P", "x.cmake"],
    files: {
      "x.cmake": `execute_process(COMMAND ${it_} a RESULT_VARIABLE r OUTPUT_VARIABLE o)\nmessage("\${o} \${r}")\n`,
    },
  },
  {
    name: "ninja",
    argv: ["ninja", "--quiet", "-j1"],
    files: { "build.ninja": `rule r\n  command = ${it_} $out\nbuild a: r\nbuild b: r a\n` },
  },
  {
    name: "python3",
    argv: [
      "python3",
      "-c",
      `import subprocess as s, os, sys\nfor close in (True, False):\n  print(s.run([sys.argv[1], 'a'], close_fds=close, capture_output=True))\nprint(os.posix_spawn(sys.argv[1], ['x', 'b'], {}) > 0, os.wait()[1]); sys.stdout.flush(); os.execv(sys.argv[1], ['y', 'c'])`,
      it_,
    ],
  },
  {
    name: "perl",
    argv: [
      "perl",
      "-e",
      `$| = 1; print \`${it_} a\`; system("${it_}", "b"); system("${it_} c; true"); print $?; exec "${it_}", "d"`,
    ],
  },
  {
    name: "node",
    argv: [
      "node",
      "-e",
      `const c = require("child_process"); for (const a of [["a"], ["b"]]) { const r = c.spawnSync(process.argv[1], a); console.log(r.status, String(r.stdout)); } c.execFile(process.argv[1], ["c"], (e, o) => console.log(e, o));`,
      it_,
    ],
  },
  {
    name: "git",
    argv: ["git", "-c", `alias.x=!${it_} a`, "x"],
    files: { ".git/HEAD": "ref: refs/heads/x\n", ".git/objects/x": "", ".git/refs/x": "" },
  },
  { name: "xargs", argv: ["sh", "-c", `seq 5 | xargs -n 2 ${it_}`] },
  { name: "find", argv: ["find", ".", "-maxdepth", "0", "-exec", it_, "{}", ";"] },
  { name: "env, nice, timeout", argv: ["env", "PROBE_E=1", "nice", "-n", "1", "timeout", "20", it_, "a"] },
];

describe.each(ways)("$name", ({ name, argv, files = {}, starts }) => {
  it("starts programs the same way with the shim", (context) => {
    const command = name.split(",")[0] ?? name;
    if (world.run(["sh", "-c", `command -v ${command}`], { PATH: process.env["PATH"] ?? "" }).status !== 0)
      return context.skip(`${command} is not installed`);
    if (starts !== undefined && !existsSync(starts)) return context.skip(`${starts} is not there`);
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(join(work, file, ".."), { recursive: true });
      writeFileSync(join(work, file), text);
    }
    const started = starts === undefined ? "it" : "as";
    const program = starts ?? target;
    // Temporary names and times differ from run to run; what remains must not.
    const seen = (r: Result): string =>
      `${r.status}\n${r.stdout}\n${r.stderr}`
        .replace(/\/tmp\/cc\w+/g, "/tmp/cc")
        .replaceAll("LD_PRELOAD", "");
    world.slots(2);
    world.state();
    world.marked(program, 0, started);
    const native = seen(world.run(argv, {}, work));
    expect(native).toMatch(starts === undefined ? /argv (a|1|\.)/ : /as -v/);
    expect(seen(world.shimmed(argv, {}, work)), "unmarked").toBe(native);
    expect(world.whys()).toEqual([]);
    world.marked(program, undefined, started);
    expect(seen(world.shimmed(argv, {}, work)), "marked, idle").toBe(native);
    expect(world.whys().length, "decisions").toBeGreaterThan(0);
    world.state({ busy: true });
    expect(seen(world.shimmed(argv, {}, work)), "marked, busy, no helper").toBe(native);
    expect(new Set(world.whys().map((why) => why.reason))).toContain(8);
  });
});

it.skipIf(sanitized)("a musl program loads the shim and is served by it", (context) => {
  if (world.run(["sh", "-c", "command -v musl-gcc"]).status !== 0)
    return context.skip("musl-gcc is not installed");
  const caller = join(bin, "caller-musl");
  const source = join(import.meta.dirname, "probes", "caller.c");
  world.run(["musl-gcc", "-D_GNU_SOURCE", "-O1", source, "-o", caller]);
  world.slots(2);
  world.state({ busy: true });
  for (const how of ["execve", "execvp", "execl", "posix_spawn", "posix_spawnp"]) {
    world.marked(target, undefined, "it");
    const native = world.run([caller, how, "it", "a"], { PATH: bin }, bin);
    const served = world.shimmed([caller, how, "it", "a"], { PATH: bin, PANTS_DEBUG: "1" }, bin);
    expect(served.stdout).toBe(native.stdout);
    expect(served.stderr).toContain("standing in");
  }
});
