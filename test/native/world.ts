/** What tests of the shim and of prex need: probes, marked copies, a runtime directory with a state and slots. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

export const root = join(import.meta.dirname, "..", "..");
export const shim = join(root, "build", "Release", "libprex.so");
const { PANTS_SANITIZER: sanitizer, ASAN_OPTIONS = "" } = process.env;
/** The C parts are instrumented (`make sanitize`). */
export const sanitized = sanitizer !== undefined;
/** For LD_PRELOAD: an instrumented shim wants its sanitizer's library before it. */
export const preload = sanitizer === undefined ? shim : `${sanitizer}:${shim}`;
const probes = join(import.meta.dirname, "probes");

/** Bits of the mark, native/include/pants.h. */
export const MIGRATABLE = 0x51000000;
export const IDEMPOTENT = 0x55000000;
export const NEVER = 0x53000000;

export interface Result {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StateFields {
  busy?: boolean;
  remote?: boolean;
  remoteAfterNs?: bigint;
  /** Age of the record, seconds. */
  age?: number;
  torn?: boolean;
  magic?: number;
  /** Of the host (src/io/place.ts). */
  place?: number;
}

/** CLOCK_BOOTTIME, to a hundredth of a second. */
export function bootTimeNs(): bigint {
  const uptime = readFileSync("/proc/uptime", "latin1").split(" ")[0] ?? "0";
  return BigInt(uptime.replace(".", "")) * 10_000_000n;
}

/** A folder of its own: probes in bin/, the runtime directory, a prex that has no prexd to start. */
export class World {
  readonly dir = mkdtempSync(join(tmpdir(), "pants-native-"));
  readonly runtime = join(this.dir, "run");
  readonly users = join(this.runtime, "users", String(process.getuid?.() ?? 0));
  readonly prex = join(this.dir, "a", "b", "prex");
  private readonly children: ChildProcess[] = [];

  constructor() {
    for (const sub of ["bin", "a/b"]) mkdirSync(join(this.dir, sub), { recursive: true });
    mkdirSync(this.users, { recursive: true, mode: 0o700 });
    copyFileSync(join(root, "build", "Release", "prex"), this.prex);
  }

  /** Ends what was started and removes everything. */
  remove(): void {
    for (const child of this.children) child.kill("SIGKILL");
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** A C probe, compiled. */
  probe(name: string): string {
    const out = join(this.dir, "bin", name);
    const source = join(probes, `${name}.c`);
    const flags = [
      "-std=gnu11",
      "-O1",
      "-Wall",
      "-Wextra",
      "-Werror",
      "-pthread",
      `-I${join(root, "native", "include")}`,
    ];
    execFileSync("cc", [...flags, source, "-o", out]);
    return out;
  }

  /** A copy of a program with these e_flags. */
  marked(program: string, flags = MIGRATABLE, name = `${basename(program)}-marked`): string {
    const copy = join(this.dir, "bin", name);
    copyFileSync(program, copy);
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(flags);
    const fd = openSync(copy, "r+");
    writeSync(fd, bytes, 0, 4, 48);
    closeSync(fd);
    return copy;
  }

  state(fields: StateFields = {}): void {
    const bytes = Buffer.alloc(64);
    bytes.writeUInt32LE(fields.magic ?? 0x54534e50, 0);
    bytes.writeUInt16LE(1, 4);
    bytes.writeUInt16LE(64, 6);
    bytes.writeUInt32LE(7, 8);
    bytes.writeUInt32LE(fields.age === undefined ? 3_600_000 : 1000, 12);
    bytes.writeBigUInt64LE(bootTimeNs() - BigInt((fields.age ?? 0) * 1e9), 16);
    bytes.writeUInt8(fields.busy === true ? 1 : 0, 24);
    bytes.writeUInt8(1, 25);
    bytes.writeUInt8(fields.remote === false ? 0 : 1, 26);
    bytes.writeBigUInt64LE(fields.remoteAfterNs ?? 0n, 32);
    bytes.writeUInt32LE(fields.place ?? 0, 56);
    bytes.writeUInt32LE(fields.torn === true ? 8 : 7, 60);
    writeFileSync(join(this.runtime, "state"), bytes);
  }

  /** A table with so many slots in force; `words` are taken already. */
  slots(total: number, words: readonly bigint[] = [], beside = 0): void {
    const bytes = Buffer.alloc(2112 + 512 * 192);
    bytes.writeUInt32LE(0x4c534e50, 0);
    bytes.writeUInt16LE(1, 4);
    bytes.writeUInt16LE(64, 6);
    bytes.writeUInt32LE(total, 8);
    bytes.writeUInt32LE(beside, 32);
    bytes.writeUInt32LE(256, 12);
    bytes.writeUInt32LE(512, 16);
    bytes.writeUInt32LE(192, 20);
    words.forEach((word, i) => bytes.writeBigUInt64LE(word, 64 + 8 * i));
    writeFileSync(join(this.runtime, "slots"), bytes);
  }

  /** prexd wants to be asked first until then, CLOCK_BOOTTIME. */
  queueUntil(ns: bigint): void {
    const file = join(this.runtime, "slots");
    const bytes = readFileSync(file);
    bytes.writeBigUInt64LE(ns, 40);
    writeFileSync(file, bytes);
  }

  words(): bigint[] {
    const bytes = readFileSync(join(this.runtime, "slots"));
    return Array.from({ length: 256 }, (_, i) => bytes.readBigUInt64LE(64 + 8 * i));
  }

  /** Decisions recorded, oldest first. */
  whys(): { reason: number; where: number; program: string; detail: string }[] {
    const bytes = readFileSync(join(this.runtime, "slots"));
    const text = (at: number, size: number): string =>
      bytes
        .subarray(at, at + size)
        .toString("latin1")
        .replace(/\0.*$/s, "");
    return Array.from({ length: Number(bytes.readBigUInt64LE(24)) }, (_, i) => {
      const at = 2112 + 192 * i;
      return {
        where: bytes[at + 24] ?? -1,
        reason: bytes[at + 25] ?? -1,
        program: text(at + 72, 64),
        detail: text(at + 136, 56),
      };
    });
  }

  /** The environment of a program in this world. */
  env(more: Record<string, string> = {}): Record<string, string> {
    return {
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      HOME: this.dir,
      LC_ALL: "C",
      PANTS_RUNTIME_DIR: this.runtime,
      PANTS_PREX: this.prex,
      ...(sanitized ? { ASAN_OPTIONS } : {}),
      ...more,
    };
  }

  run(argv: readonly string[], env: Record<string, string> = {}, cwd = this.dir, input = ""): Result {
    const [program = "", ...args] = argv;
    const r = spawnSync(program, args, {
      // Also where the shim is not: what the sanitizer itself changes is to be the same with and without it.
      env: this.env(sanitizer === undefined ? env : { LD_PRELOAD: sanitizer, ...env }),
      cwd,
      input,
      encoding: "latin1",
      timeout: 60_000,
      killSignal: "SIGKILL",
    });
    if (r.error) throw r.error;
    return { status: r.status, signal: r.signal, stdout: r.stdout, stderr: r.stderr };
  }

  /** The same under the shim. */
  shimmed(argv: readonly string[], env: Record<string, string> = {}, cwd = this.dir, input = ""): Result {
    return this.run(argv, { LD_PRELOAD: preload, ...env }, cwd, input);
  }

  start(argv: readonly string[], env: Record<string, string> = {}): Background {
    const [program = "", ...args] = argv;
    const child = spawn(program, args, { env: this.env(env), cwd: this.dir });
    this.children.push(child);
    return new Background(child);
  }

  /** The stand-in in the place of `path`. */
  standIn(
    path: string,
    args: readonly string[] = [],
    flags = 0,
    env: Record<string, string> = {},
  ): Background {
    return this.start([this.prex, ...args], { ...env, PANTS_STANDIN: `${flags.toString(16)}:${path}` });
  }

  /** The stand-in's peer, listening. */
  async fakePrexd(...steps: string[]): Promise<Background> {
    const mute = steps[0] === "--mute";
    const fake = this.start([
      join(this.dir, "bin", "fake_prexd"),
      ...(mute ? ["--mute"] : []),
      this.users,
      ...steps.slice(mute ? 1 : 0),
    ]);
    await fake.until(() => fake.stdout.includes("listening"));
    return fake;
  }
}

/** A program that runs while the test goes on. */
export class Background {
  stdout = "";
  stderr = "";
  /** Exit status or signal name, once it has ended. */
  end: number | string | undefined;
  private wake: (() => void)[] = [];

  constructor(readonly child: ChildProcess) {
    child.stdout
      ?.setEncoding("latin1")
      .on("data", (text: string) => this.change(() => (this.stdout += text)));
    child.stderr
      ?.setEncoding("latin1")
      .on("data", (text: string) => this.change(() => (this.stderr += text)));
    child.on("close", (status, signal) => this.change(() => (this.end = status ?? signal ?? "?")));
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** Looks at `condition` at every change of this program, and now and then for what it cannot see. */
  async until(condition: () => boolean, limitMs = 40_000): Promise<void> {
    const deadline = Date.now() + limitMs;
    while (!condition()) {
      if (Date.now() > deadline)
        throw new Error(`never came: ${condition.toString()}\n${this.stdout}\n${this.stderr}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 20);
        this.wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  async ended(): Promise<number | string> {
    await this.until(() => this.end !== undefined);
    return this.end ?? "?";
  }

  private change(what: () => void): void {
    what();
    for (const wake of this.wake.splice(0)) wake();
  }
}

/** Process state letter of a pid ("S", "T", ...), or "" when it is gone. */
export function processState(pid: number): string {
  try {
    return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))?.[1] ?? "";
  } catch {
    return "";
  }
}
