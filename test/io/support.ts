/** What the tests of the addon share: programs to start, sockets, terminals, conditions to wait for. */

import { spawn as startProcess } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll } from "vitest";
import { IN, native, type SpawnOptions, type WaitResult } from "../../src/io/native.js";
import { Environment } from "../../src/mux/environment.js";

export const EAGAIN = -11;
export const b = (text: string): Buffer => Buffer.from(text, "latin1");
const WAIT_MS = 20_000;

/** A folder that goes away after the file's tests. */
export function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), "pants-io-"));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Waits until `probe` gives something other than undefined and false. */
export async function until<T>(what: string, probe: () => T | undefined | false): Promise<T> {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    const value = probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`in vain: ${what}`);
    await sleep(2);
  }
}

/** A node that loads the addon wants its sanitizer's library too (`make sanitize`). */
const sanitizer = process.env["PANTS_SANITIZER"];
const sanitized =
  sanitizer === undefined
    ? []
    : [`LD_PRELOAD=${sanitizer}`, `ASAN_OPTIONS=${process.env["ASAN_OPTIONS"] ?? ""}`];

/** As a program's environment is given to spawn. */
export const environment = (...variables: (string | Buffer)[]): Buffer =>
  Environment.of(variables.map((one) => (typeof one === "string" ? b(one) : one))).bytes;

/** sh -c SCRIPT with ordinary surroundings. */
export function shell(script: string, options: Partial<SpawnOptions> = {}): SpawnOptions {
  return {
    path: b("/bin/sh"),
    argv: [b("sh"), b("-c"), b(script)],
    env: environment(
      "PATH=/usr/bin:/bin",
      ...(options.path?.toString() === process.execPath ? sanitized : []),
    ),
    cwd: b("/"),
    umask: 0o22,
    fds: [-1, -1, -1],
    terminal: -1,
    session: false,
    deathSignal: true,
    ignored: 0n,
    blocked: 0n,
    nice: 0,
    ioPriority: 0,
    rlimits: [],
    policy: 0,
    slot: -1,
    ...options,
  };
}

export function ended(pid: number): Promise<WaitResult> {
  return new Promise((resolve, reject) => {
    const error = native.onExit(pid, resolve);
    if (error < 0) reject(new Error(`onExit(${pid}): ${error}`));
  });
}

/** Everything up to the end of file of a pipe; closes it. */
export function slurp(fd: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const chunk = Buffer.alloc(65536);
    native.watch(fd, IN, () => {
      const n = native.read(fd, "pipe", chunk);
      if (n > 0) chunks.push(Buffer.from(chunk.subarray(0, n)));
      if (n > 0 || n === EAGAIN) return;
      native.close(fd);
      if (n === 0) resolve(Buffer.concat(chunks));
      else reject(new Error(`read: ${n}`));
    });
  });
}

/** Runs to the end; gives its status and what it wrote to descriptors 1 and 2. */
export async function run(
  options: SpawnOptions,
): Promise<{ status: number; output: string; result: WaitResult }> {
  const [read, write] = native.pipe();
  native.setBlocking(write, true);
  const pid = native.spawn({
    ...options,
    fds: [options.fds[0] ?? -1, write, write, ...options.fds.slice(3)],
  });
  native.close(write);
  if (pid < 0) {
    native.close(read);
    throw new Error(`spawn: ${pid}`);
  }
  const [output, result] = await Promise.all([slurp(read), ended(pid)]);
  return { status: result.status, output: output.toString("latin1"), result };
}

/** As another process would have made it: both ends blocking. */
export function blockingPipe(): [number, number] {
  const [read, write] = native.pipe();
  native.setBlocking(read, true);
  native.setBlocking(write, true);
  return [read, write];
}

/** O_NONBLOCK of the description behind a descriptor of ours. */
export function isNonBlocking(fd: number): boolean {
  const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1];
  if (flags === undefined) throw new Error(`no flags of ${fd}`);
  return (Number.parseInt(flags, 8) & 0o4000) !== 0;
}

/** What is open in this process, named, so that a leak can be told. The addon's own pipe, made at first use, counts. */
export function openDescriptors(): string[] {
  const [read, write] = native.pipe();
  native.read(read, "pipe", Buffer.alloc(1));
  native.close(read);
  native.close(write);
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`];
    } catch {
      return []; // the folder's own descriptor
    }
  });
}

/** Two connected unix sockets of ours. */
export function socketPair(dir: string): [number, number] {
  const path = join(dir, `pair-${process.hrtime.bigint()}`);
  const listener = native.listenUnix(path, 0o600);
  const near = native.connectUnix(path);
  const far = native.accept(listener);
  native.close(listener);
  if (near < 0 || far < 0) throw new Error(`no pair: ${near} ${far}`);
  return [near, far];
}

/** A terminal that another process has opened: [master, slave]. */
export async function openPty(dir: string, ...modes: string[]): Promise<[number, number]> {
  const path = join(dir, `pty-${process.hrtime.bigint()}`);
  const listener = native.listenUnix(path, 0o600);
  const helper = startProcess(
    "python3",
    [join(import.meta.dirname, "fixtures/open_pty.py"), path, ...modes],
    {
      stdio: "inherit",
    },
  );
  const peer = await until("the terminal's opener", () => {
    const fd = native.accept(listener);
    return fd >= 0 && fd;
  });
  const { fds } = await until("its descriptors", () => {
    const got = native.receive(peer, Buffer.alloc(16));
    return got.n > 0 && got;
  });
  native.close(peer);
  native.close(listener);
  await new Promise((resolve) => helper.once("exit", resolve));
  const [master, slave] = fds;
  if (master === undefined || slave === undefined) throw new Error("no terminal came");
  return [master, slave];
}
