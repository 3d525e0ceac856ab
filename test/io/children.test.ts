/** Children: stops, sessions, and processes that nobody waits for. */
import { spawn as startProcess } from "node:child_process";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { native } from "../../src/io/native.js";
import { b, ended, run, shell, until } from "./support.js";

const SIGKILL = 9;
const SIGCONT = 18;
const SIGSTOP = 19;
const addon = join(import.meta.dirname, "../../build/Release/pants.node");

beforeAll(() => {
  expect(native.setSubreaper()).toBe(0);
});

test("orphans are reaped, and nobody else's status is stolen", async () => {
  const own = native.spawn(shell("exit 7"));
  const libuv = startProcess("/bin/sh", ["-c", "sleep 0.2; exit 8"]);
  const libuvEnd = new Promise<number | null>((resolve) => libuv.once("exit", resolve));
  // The leader ends at once; its child, ours from then on, a little later.
  const leader = native.spawn(shell("(sleep 0.1; exit 3) & exit 0"));
  expect((await ended(leader)).status).toBe(0);
  await until("the orphan's end", () => native.reapOrphans([libuv.pid ?? 0]) === 1);
  expect(await libuvEnd).toBe(8);
  expect((await ended(own)).status).toBe(7 << 8);
  expect(native.reapOrphans([])).toBe(0);
});

test("a stop and going on are told once each", async () => {
  const pid = native.spawn(shell("exec sleep 100"));
  expect(native.stopState(pid)).toBe(0);
  native.kill(pid, SIGSTOP);
  expect(await until("the stop", () => native.stopState(pid) || undefined)).toBe(SIGSTOP);
  expect(native.stopState(pid)).toBe(0);
  native.kill(pid, SIGCONT);
  expect(await until("going on", () => native.stopState(pid) || undefined)).toBe(-1);
  const end = ended(pid);
  expect(native.kill(pid, SIGKILL)).toBe(0);
  expect((await end).status).toBe(SIGKILL);
  expect(native.kill(pid, 0)).toBe(-3);
});

test("a session and what left it are signalled", async () => {
  const [read, write] = native.pipe();
  native.setBlocking(write, true);
  const script = "sleep 100 & setsid sh -c 'sleep 100 & echo deep; wait' & echo up; wait";
  const pid = native.spawn(shell(script, { session: true, fds: [-1, write, -1] }));
  native.close(write);
  await until("both lines", () => native.readable(read) === 8);
  const end = ended(pid);
  expect(native.killSession(pid, SIGKILL, true)).toBeGreaterThanOrEqual(4);
  expect((await end).status).toBe(SIGKILL);
  // All of them held the pipe's other end.
  await until("the last one's end", () => native.peek(read, "pipe", 8, Buffer.alloc(1)) === 0);
  native.close(read);
  expect(native.killSession(pid, SIGKILL, true)).toBe(0);
  expect(native.killSession(1, SIGKILL, true)).toBe(0);
  await until("orphans", () => native.reapOrphans([]) === 0);
});

test.each([10, 15, 20, 25, 30, 35, 40, 45])(
  "processes that fork on meanwhile do not outrun SIGKILL: %i deep",
  async (depth) => {
    // A chain of 60 shells, each with a session beside it; killed while it grows. A pipe that all hold shows the last end.
    const [read, write] = native.pipe();
    native.setBlocking(write, true);
    const chain =
      "f() { [ $1 -gt 0 ] || return; echo; (f $(($1 - 1))) & setsid sh -c 'sleep 100 & wait' & sleep 100; }; f 60";
    const pid = native.spawn(shell(chain, { session: true, fds: [-1, write, -1] }));
    native.close(write);
    await until("so many of them", () => native.readable(read) >= depth);
    const end = ended(pid);
    expect(native.killSession(pid, SIGKILL, true)).toBeGreaterThan(20);
    expect((await end).status).toBe(SIGKILL);
    const rest = Buffer.alloc(100);
    await until("the last one's end", () => native.read(read, "pipe", rest) === 0);
    native.close(read);
    await until("orphans", () => native.reapOrphans([]) === 0);
  },
);

test("the death signal and the name are set for this process", async () => {
  const script = `
    const native = require(${JSON.stringify(addon)});
    native.setProcessName("a-daemon");
    console.log(native.setDeathSignal(15), native.setDeathSignal(9999), require("node:fs").readFileSync("/proc/self/comm", "latin1"));`;
  const node = { path: b(process.execPath), argv: [b("node"), b("-e"), b(script)] };
  expect((await run(shell("", node))).output).toBe("0 -22 a-daemon\n\n");
});
