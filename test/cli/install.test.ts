/** What `make install` puts down works alone, and `make uninstall` takes exactly that. */
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { parseConfig } from "../../src/io/config.js";
import { command, root, run, temporary } from "./support.js";

/** A source tree that can be taken away; node_modules is only lent. */
function source(): string {
  const folder = join(temporary(), "source");
  for (const part of [
    "bench",
    "bin",
    "build/Release",
    "dist",
    "docs",
    "scripts",
    "package.json",
    "LICENSE",
    "README.md",
    "CHANGELOG.md",
  ])
    cpSync(join(root, part), join(folder, part), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !path.includes("obj.target"),
    });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return folder;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => !lstatSync(join(folder, name)).isDirectory())
    .sort();
}

test("installed commands work when the source tree is gone", () => {
  const tree = source();
  const destdir = temporary();
  const env = { DESTDIR: destdir, PREFIX: "/opt/pants", NODE: process.execPath };
  const installed = run("sh", [join(tree, "scripts/install.sh")], env);
  expect(installed).toMatchObject({ status: 0, stderr: "" });
  expect(installed.stdout).toContain(
    "export LD_PRELOAD='/opt/pants/lib/libprex/as-libasan.so/$LIB/libprex.so'",
  );
  // A second time over the first leaves the same.
  const prefix = join(destdir, "opt/pants");
  const first = filesBelow(prefix);
  expect(run("sh", [join(tree, "scripts/install.sh")], env).status).toBe(0);
  expect(filesBelow(prefix)).toEqual(first);
  rmSync(tree, { recursive: true });

  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  for (const name of ["pants", "pants-flag"]) {
    // No PATH: node is found where it was said to be.
    const ran = run("/bin/sh", ["-c", `PATH=/usr/bin:/bin exec ${join(prefix, "bin", name)} --version`]);
    expect(ran).toEqual({ status: 0, stdout: `${version}\n`, stderr: "" });
  }
  const bench = run(join(prefix, "bin/pants"), ["bench", "no-such"]);
  expect(bench).toMatchObject({ status: 2, stdout: "" });
  expect(bench.stderr).toContain("no experiment no-such: there are micro-cpu"); // so all of them were loaded
  expect(existsSync(join(prefix, "lib/pants/bench/micro/parent.c"))).toBe(true);
  const report = run(join(prefix, "bin/pants"), ["bench", "--report", "--out", join(destdir, "results")]);
  expect(report).toMatchObject({ status: 0, stdout: expect.stringContaining("with 0 figures") as string });
  expect(report.stderr).toContain("figures need the packages @observablehq/plot");
  const runtime = temporary();
  writeFileSync(join(runtime, "slots"), "");
  const why = run(join(prefix, "bin/pants"), ["why"], { PANTS_RUNTIME_DIR: runtime });
  expect(why.stderr).toContain("cannot be used"); // by the addon, so the addon was loaded
  for (const name of ["prex", "prexd", "prex-agent", "pantsd"])
    expect(existsSync(join(prefix, "bin", name))).toBe(true);
  expect(existsSync(join(prefix, "lib/pants/build/Release/prex"))).toBe(true);
  expect(existsSync(join(prefix, "lib/pants/node_modules/vitest"))).toBe(false);
  expect(readFileSync(join(prefix, "lib/systemd/system/pantsd.service"), "utf8")).toContain(
    "ExecStart=/opt/pants/bin/pantsd --foreground",
  );
  const texts = first.filter(
    (name) => /(^bin\/|\.service$|pants\/bin\/)/.test(name) && !name.endsWith("prex"),
  );
  for (const name of texts) expect(readFileSync(join(prefix, name), "utf8")).not.toContain(root);
});

describe("by the name with $LIB nothing is heard of the shim", () => {
  const folder = mkdtempSync(join(tmpdir(), "pants-test-"));
  const LD_PRELOAD = join(folder, "opt/pants/lib/libprex/as-libasan.so/$LIB/libprex.so");
  beforeAll(() => {
    chmodSync(folder, 0o755); // for nobody
    const env = { DESTDIR: folder, PREFIX: "/opt/pants", NODE: process.execPath };
    expect(run("sh", [join(root, "scripts/install.sh")], env).status).toBe(0);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Compiles a program that says nothing and ends with 7; false: this machine cannot. */
  const compiled = (name: string, source: string, flags: readonly string[]): boolean => {
    writeFileSync(join(folder, `${name}.c`), source);
    return run("gcc", [...flags, "-o", join(folder, name), join(folder, `${name}.c`)]).status === 0;
  };
  const QUIET = { status: 7, stdout: "", stderr: "" };

  it("by an ordinary program, which has it", () => {
    const ran = run("grep", ["-c", "/opt/pants/lib/libprex.so$", "/proc/self/maps"], { LD_PRELOAD });
    expect(ran).toMatchObject({ status: 0, stderr: "" });
  });

  it.each([[], ["-static-libasan"]])("by one with AddressSanitizer %s", (...flags) => {
    const made = compiled("asan", "int main(void) { return 7; }\n", ["-fsanitize=address", ...flags]);
    expect(made).toBe(true);
    expect(run(join(folder, "asan"), [], { LD_PRELOAD })).toEqual(QUIET);
  });

  it("by a 32-bit one", (context) => {
    context.skip(process.arch !== "x64" || !existsSync("/lib/ld-linux.so.2"), "no 32-bit programs here");
    const source =
      'void _start(void) { __asm__ volatile("mov $1, %eax; mov $7, %ebx; int $0x80"); }\nint x;\nint *p = &x;\n';
    const flags = ["-m32", "-nostdlib", "-fPIE", "-pie", "-Wl,-dynamic-linker,/lib/ld-linux.so.2"];
    expect(compiled("small", source, flags)).toBe(true);
    expect(run(join(folder, "small"), [], { LD_PRELOAD })).toEqual(QUIET);
    // Without it, as every process of such a program would say:
    const plain = { LD_PRELOAD: join(folder, "opt/pants/lib/libprex.so") };
    expect(run(join(folder, "small"), [], plain).stderr).toContain("wrong ELF class");
  });

  it("by a setuid one of an ordinary user", (context) => {
    const su = "/bin/su";
    const root = process.getuid?.() === 0 && existsSync(su) && (statSync(su).mode & 0o4000) !== 0;
    context.skip(!root, "needs root, and su");
    const ran = run("setpriv", ["--reuid=65534", "--clear-groups", su, "--version"], { LD_PRELOAD });
    expect(ran).toMatchObject({ status: 0, stderr: "" });
  });
});

test("uninstall takes what install put down, and nothing else", () => {
  const destdir = temporary();
  const env = { DESTDIR: destdir, PREFIX: "/usr", NODE: process.execPath };
  expect(run("sh", [join(root, "scripts/install.sh")], env).status).toBe(0);
  writeFileSync(join(destdir, "usr/bin/other"), "");
  writeFileSync(join(destdir, "usr/lib/other"), "");
  run("mkdir", ["-p", join(destdir, "etc/pants")]);
  writeFileSync(join(destdir, "etc/pants/key"), "");
  writeFileSync(join(destdir, "etc/ld.so.preload"), "/usr/lib/libprex.so\n");
  const ran = run("sh", [join(root, "scripts/uninstall.sh")], env);
  expect(ran.status).toBe(0);
  expect(ran.stderr).toContain("etc/ld.so.preload names libprex.so");
  expect(filesBelow(destdir)).toEqual([
    "etc/ld.so.preload",
    "etc/pants/key",
    "usr/bin/other",
    "usr/lib/other",
  ]);
});

test("install says what is wrong before it touches anything", () => {
  const destdir = temporary();
  const install = (env: NodeJS.ProcessEnv) =>
    run("sh", [join(root, "scripts/install.sh")], { DESTDIR: destdir, ...env });
  expect(install({ PREFIX: "usr", NODE: process.execPath }).stderr).toContain(
    "PREFIX must be an absolute path",
  );
  expect(install({ PREFIX: "/usr", NODE: "/nowhere/node" }).stderr).toContain("no node at /nowhere/node");
  expect(readdirSync(destdir)).toEqual([]);
});

test("the example configuration is whole and says the defaults", () => {
  const text = readFileSync(join(root, "docs/pants.toml"), "utf8");
  const uncommented = text.replace(/^#(?=[a-z_]+ = )/gm, "").replace('name = "build1"', "");
  const defaults = parseConfig("", "defaults");
  expect(parseConfig(text, "pants.toml")).toEqual(defaults);
  expect(parseConfig(uncommented, "pants.toml")).toEqual(defaults);
  for (const [section, keys] of Object.entries(defaults)) {
    const part = text.split(`\n[${section}]\n`)[1]?.split("\n[")[0] ?? "";
    for (const key of Object.keys(keys)) expect(part).toContain(`#${key} = `);
    for (const key of Object.keys(keys))
      expect(readFileSync(join(root, "docs/configuration.md"), "utf8")).toContain(`\`${key}\``);
  }
});

test("every man page and the help agree on the commands", () => {
  const page = readFileSync(join(root, "docs/man/pants.1"), "utf8");
  const { stdout } = command("pants", ["--help"]);
  for (const [, name] of stdout.matchAll(/^ {2}pants (\w+)/gm))
    expect(page).toMatch(new RegExp(`^\\.B ${name ?? ""}`, "m"));
});
