/** pants-flag on real programs: copies of this system's own. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { command, run, temporary } from "./support.js";

const flag = (...args: string[]) => command("pants-flag", args);
const isRoot = process.getuid?.() === 0;

function copyOf(program: string, folder = temporary(), name = "program"): string {
  const path = join(folder, name);
  copyFileSync(program, path);
  chmodSync(path, 0o755);
  return path;
}

/** e_flags of a 64-bit little-endian file. */
const flagsOf = (path: string): number => readFileSync(path).readUInt32LE(48);

async function running(path: string): Promise<ChildProcess> {
  const child = spawn(path, ["60"], { stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  return child;
}

test("a mark is set, shown and cleared, and the program still runs", () => {
  const path = copyOf("/bin/echo");
  const before = readFileSync(path);
  expect(flag("--show", path).stdout).toBe(`${path}: not marked\n`);
  expect(flag("--migratable", path)).toEqual({ status: 0, stdout: `${path}: migratable\n`, stderr: "" });
  expect(flagsOf(path)).toBe(0x51000000);
  expect(run(path, ["hello"]).stdout).toBe("hello\n");
  expect(flag("--idempotent", path).stdout).toBe(`${path}: migratable idempotent\n`);
  expect(flagsOf(path)).toBe(0x55000000);
  expect(flag("--never", path).stdout).toBe(`${path}: never\n`);
  expect(flag("--migratable", "--idempotent", path).stdout).toBe(`${path}: migratable idempotent\n`);
  const [row] = JSON.parse(flag("--show", "--json", path).stdout) as object[];
  expect(row).toMatchObject({ file: path, resolved: path, mark: ["migratable", "idempotent"], bits: 64 });
  expect(flag("--clear", path).status).toBe(0);
  expect(readFileSync(path).equals(before)).toBe(true);
});

test("links are followed, and the marked file is named", () => {
  const folder = temporary();
  const path = copyOf("/bin/true", folder, "gcc-12");
  symlinkSync("gcc-12", join(folder, "gcc"));
  symlinkSync(join(folder, "gcc"), join(folder, "cc"));
  const link = join(folder, "cc");
  expect(flag("--migratable", link).stdout).toBe(`${link} -> ${path}: migratable\n`);
  expect(flag("--show", path).stdout).toBe(`${path}: migratable\n`);
});

test("hard links keep the mark, times and mode stay to the nanosecond", () => {
  const path = copyOf("/bin/true");
  linkSync(path, `${path}2`);
  chmodSync(path, 0o751);
  run("touch", ["-d", "@1500000000.123456789", path]);
  const before = statSync(path, { bigint: true });
  expect(flag("--migratable", path).status).toBe(0);
  const after = statSync(`${path}2`, { bigint: true });
  expect(flagsOf(`${path}2`)).toBe(0x51000000);
  expect([after.ino, after.mode, after.mtimeNs]).toEqual([before.ino, before.mode, before.mtimeNs]);
});

test("other bits of e_flags are kept, and bits that somebody else uses are not touched", () => {
  const path = copyOf("/bin/true");
  const bytes = readFileSync(path);
  bytes.writeUInt32LE(0x00a5005a, 48);
  writeFileSync(path, bytes);
  flag("--migratable", path);
  expect(flagsOf(path)).toBe(0x51a5005a);
  flag("--clear", path);
  expect(flagsOf(path)).toBe(0x00a5005a);
  bytes.writeUInt32LE(0x30000000, 48);
  writeFileSync(path, bytes);
  const refused = flag("--migratable", path);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain("uses the bits of the mark for something else (e_flags 0x30000000)");
  expect(flagsOf(path)).toBe(0x30000000);
});

test("an equal mark changes nothing, not even the time of change", () => {
  const path = copyOf("/bin/true");
  flag("--migratable", path);
  const before = statSync(path, { bigint: true });
  expect(flag("--migratable", path).status).toBe(0);
  expect(statSync(path, { bigint: true }).ctimeNs).toBe(before.ctimeNs);
});

test("a running program with one link is replaced by a marked copy", async () => {
  const path = copyOf("/bin/sleep");
  chmodSync(path, 0o711);
  utimesSync(path, 1500000000, 1500000000);
  if (isRoot) chownSync(path, 65534, 65534);
  const before = statSync(path);
  const child = await running(path);
  expect(flag("--migratable", path)).toEqual({ status: 0, stdout: `${path}: migratable\n`, stderr: "" });
  const after = statSync(path);
  expect([after.mode, after.uid, after.gid, after.mtimeMs]).toEqual([
    before.mode,
    before.uid,
    before.gid,
    before.mtimeMs,
  ]);
  expect(child.exitCode).toBeNull();
  expect(run(path, ["0"]).status).toBe(0);
  expect(readdirSync(join(path, ".."))).toEqual(["program"]);
});

test("a running program with more links is left alone", async () => {
  const path = copyOf("/bin/sleep");
  linkSync(path, `${path}2`);
  await running(path);
  const refused = flag("--migratable", path);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain("is running and has 1 other hard link");
  expect(flagsOf(path)).toBe(0);
});

test("setuid, setgid and capability programs are refused with their rights intact", (context) => {
  const path = copyOf("/bin/true");
  for (const [mode, word] of [
    [0o4755, "setuid"],
    [0o2755, "setgid"],
  ] as const) {
    chmodSync(path, mode);
    expect(flag("--migratable", path).stderr).toContain(`is ${word}: it would never be run elsewhere`);
    expect(statSync(path).mode & 0o7777).toBe(mode);
  }
  chmodSync(path, 0o755);
  const env = { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` };
  const set = spawnSync("setcap", ["cap_net_raw=ep", path], { env });
  if (set.status !== 0) return context.skip("setcap is not there or not permitted");
  expect(flag("--migratable", path).stderr).toContain("has capabilities");
  expect(spawnSync("getcap", [path], { env, encoding: "utf8" }).stdout).toContain("cap_net_raw");
  return undefined;
});

test("everything that is no program has its own message, and the rest has its turn", () => {
  const folder = temporary();
  const good = copyOf("/bin/true", folder);
  const at = (name: string, content: string | Buffer): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  mkdirSync(join(folder, "directory"));
  symlinkSync("loop", join(folder, "loop"));
  run("mkfifo", [join(folder, "fifo")]);
  const cases: [string, string][] = [
    [at("script", "#!/usr/bin/env python3\n"), "is a script (#!/usr/bin/env python3): mark its interpreter"],
    [at("text", "hello"), "is not an ELF file"],
    [at("empty", ""), "is empty"],
    [at("short", "\x7fELF"), "is a truncated ELF file"],
    [join(folder, "directory"), "is a directory"],
    [join(folder, "fifo"), "is not a regular file"],
    [join(folder, "missing"), "does not exist"],
    [join(folder, "loop"), "leads through too many symbolic links"],
    [join(good, "below"), "a part of its path is not a directory"],
  ];
  const ran = flag("--migratable", ...cases.map(([file]) => file), good);
  expect(ran.status).toBe(1);
  const lines = ran.stderr.trimEnd().split("\n");
  for (const [index, [file, message]] of cases.entries())
    expect(lines[index]).toBe(
      `pants-flag: ${file} ${message.startsWith("a part") ? `does not exist: ${message}` : message}`,
    );
  expect(ran.stdout).toBe(`${good}: migratable\n`);
});

test("programs of other machines are refused", () => {
  const path = copyOf("/bin/true");
  const original = readFileSync(path);
  const machine = process.arch === "arm64" ? 62 : 183;
  const edit = (change: (bytes: Buffer) => void): string => {
    const bytes = Buffer.from(original);
    change(bytes);
    writeFileSync(path, bytes);
    const ran = flag("--migratable", path);
    expect(ran.status).toBe(1);
    expect(readFileSync(path).equals(bytes)).toBe(true);
    return ran.stderr;
  };
  expect(edit((bytes) => bytes.writeUInt16LE(machine, 18))).toMatch(/is for (aarch64|x86_64), this host is/);
  expect(edit((bytes) => bytes.writeUInt16LE(40, 18))).toContain("is for arm");
  expect(edit((bytes) => bytes.writeUInt16LE(8, 18))).toContain("is for mips");
  expect(edit((bytes) => bytes.writeUInt16LE(1, 16))).toContain("is an object file, not a program");
  expect(edit((bytes) => bytes.writeUInt8(9, 4))).toContain("class 9");
  expect(edit((bytes) => bytes.writeUInt8(7, 5))).toContain("byte order 7");
});

test("the command line is checked before any file", () => {
  const path = copyOf("/bin/true");
  for (const args of [
    [path],
    ["--migratable"],
    ["--migratable", "--never", path],
    ["--show", "--clear", path],
  ])
    expect(flag(...args)).toMatchObject({ status: 2, stdout: "" });
  expect(flag("--marvellous", path)).toMatchObject({ status: 2 });
  expect(flagsOf(path)).toBe(0);
  expect(flag("--help").stdout).toContain("--migratable");
});
