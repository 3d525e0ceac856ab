/** Signals, both ways: what arrives, what a death and a stop look like, and what dies with whom. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { until } from "../../src/lab/wait.js";
import { processState } from "../native/world.js";
import { ThreeWays } from "./three-ways.js";

let ways: ThreeWays;
let parent = "";
let sh = "";
beforeAll(async () => {
  ways = new ThreeWays();
  await ways.up();
  parent = ways.probe("parent");
  sh = ways.marked("/bin/sh", "sh");
});
afterAll(() => ways.end());

/** A shell script in a marked shell, started by a program under the shim, in whose place it stands. */
const far = (script: string) =>
  ways.start("migrated", ["/bin/bash", "-c", 'exec "$0" "$@"', sh, "-c", script]);

/** All that end a program: but for KILL, which the stand-in cannot hand on. */
const DEADLY = [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 24, 25, 26, 27, 29, 30, 31, 34, 50, 64];

it("kill a program, each as itself", async () => {
  const script = ["-c", "ulimit -c 0; echo up; exec sleep 100"];
  const numbers = DEADLY.map(String);
  const { stdout, migrated } = await ways.all([parent, "signals", ...numbers, "-", sh, ...script]);
  expect(stdout.trim().split("\n")).toEqual(numbers.map((n) => `signal ${n}: died of ${n}`));
  expect(migrated).toBe(DEADLY.length);
});

it("reach a program that catches them, each once", async () => {
  const script =
    'for n in 1 2 10 12 15 28; do trap "echo got $n" $n; done; trap "echo got 18; exit 3" 18; echo up; while :; do sleep 0.02; done';
  const log = join(ways.bed.work, "caught");
  const job = far(`exec > ${log}; ${script}`);
  const ended = ways.bed.finish(job);
  const caught = (): string[] => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []);
  await until("it to be up", () => caught().includes("up"));
  for (const signal of ["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGTERM", "SIGWINCH", "SIGCONT"] as const) {
    const before = caught().length;
    job.kill(signal);
    await until(`${signal} to be caught`, () => caught().length > before);
  }
  expect((await ended).code).toBe(3);
  expect(caught()).toEqual(["up", "got 1", "got 10", "got 12", "got 15", "got 28", "got 18"]);
});

it("stop the far program when the stand-in is stopped by SIGSTOP, and let it go on", async () => {
  const pidFile = join(ways.bed.work, "pid");
  const job = far(`echo $$ > ${pidFile}; while [ ! -e ${pidFile}.go ]; do sleep 0.02; done; exit 4`);
  const ended = ways.bed.finish(job);
  const pid = Number(await until("its pid", () => existsSync(pidFile) && readFileSync(pidFile, "utf8")));
  expect(pid).not.toBe(job.pid);
  job.kill("SIGSTOP");
  await until("the far program to stop", () => processState(pid) === "T");
  writeFileSync(`${pidFile}.go`, "");
  expect(processState(job.pid ?? 0)).toBe("T"); // a stopped stand-in is not a dead one
  job.kill("SIGCONT");
  expect((await ended).code).toBe(4);
});

it("that kill a stopped program over there end its stand-in", async () => {
  const pidFile = join(ways.bed.work, "stopped");
  const job = far(`echo $$ > ${pidFile}; kill -STOP $$`);
  const ended = ways.bed.finish(job);
  await until("the stand-in to stop", () => processState(job.pid ?? 0) === "T");
  process.kill(Number(readFileSync(pidFile, "utf8")), "SIGKILL");
  expect((await ended).signal).toBe("SIGKILL");
});

it("that kill the stand-in kill all that the program started, daemons too, and nothing of other jobs", async () => {
  const daemon = "setsid sh -c '(setsid sleep 765 >/dev/null 2>&1 &)'";
  const other = far(`(${daemon.replace("765", "766")}); sleep 766`);
  const otherEnded = ways.bed.finish(other);
  const job = far(`(${daemon}); sleep 765`);
  const ended = ways.bed.finish(job);
  const sleeps = (word: string): number[] => ways.bed.processes(`sleep\u0000${word}`);
  await until("two sleeps of each", () => sleeps("765").length === 2 && sleeps("766").length === 2);
  job.kill("SIGKILL");
  expect((await ended).signal).toBe("SIGKILL");
  await until("its tree to be dead", () => sleeps("765").length === 0);
  expect(sleeps("766")).toHaveLength(2);
  other.kill("SIGKILL");
  await otherEnded;
  await until("the other's to be dead too", () => sleeps("766").length === 0);
});

it("leave alone what a program left behind when it ended", async () => {
  const job = far("(setsid sh -c '(sleep 767 >/dev/null 2>&1 &)'); exit 5");
  expect((await ways.bed.finish(job)).code).toBe(5);
  const [left] = ways.bed.processes("sleep\u0000767");
  expect(processState(left ?? 0)).toBe("S");
  process.kill(left ?? 0, "SIGKILL");
});
