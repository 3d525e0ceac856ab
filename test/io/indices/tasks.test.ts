/** What the tasks of a group tell, from one look to the next. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { groupOf } from "../../../src/io/cgroup.js";
import { foldersIn } from "../../../src/io/folder.js";
import { GroupTasks } from "../../../src/io/indices/tasks.js";
import { kernel } from "./kernel.js";

const k = kernel();
const tasks = (own: number | null = null) =>
  new GroupTasks({ folder: join(k.root, "cg/box"), proc: join(k.root, "proc"), io: true, own });
const task = (pid: number, tid: number, switches: number) =>
  k.put(`proc/${pid}/task/${tid}/schedstat`, `1000 2000 ${switches}\n`);
const members = (...pids: number[]) => k.put("cg/box/cgroup.procs", pids.map((pid) => `${pid}\n`).join(""));
const openBelow = (folder: string) =>
  readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder);
    } catch {
      return false;
    }
  }).length;

it("counts a thread that took the place of another", () => {
  members(70);
  task(70, 70, 10);
  task(70, 71, 10);
  const g = tasks();
  expect(g.growth(1000)).toBeNull();
  expect(g.growth(1000)).toMatchObject({ switches: 0 });
  k.put("proc/70/task/71/schedstat", ""); // An open file of one that has ended says no more.
  rmSync(join(k.root, "proc/70/task/71"), { recursive: true });
  task(70, 72, 30);
  g.growth(1000); // The one that is gone is missed.
  task(70, 72, 35);
  g.growth(1000);
  task(70, 72, 42);
  expect(g.growth(1000)).toMatchObject({ switches: 7 });
});

it("counts another process of the same number, and closes the files of those that are gone", () => {
  members(70, 80);
  for (const pid of [70, 80]) {
    task(pid, pid, 10);
    k.put(`proc/${pid}/io`, "read_bytes: 4096\nwrite_bytes: 0\ncancelled_write_bytes: 0\n");
  }
  const g = tasks();
  g.growth(1000);
  g.growth(1000);
  expect(openBelow(join(k.root, "proc/80"))).toBe(2);
  k.put("proc/80/io", "read_bytes: 8192\nwrite_bytes: 4096\ncancelled_write_bytes: 0\n");
  expect(g.growth(1000)).toMatchObject({ movedBytes: 8192 });
  members(70);
  g.growth(1000);
  expect(openBelow(join(k.root, "proc/80"))).toBe(0);
  members(70, 80);
  task(80, 80, 3);
  expect(g.growth(1000)).toMatchObject({ switches: 3 });
  g.close();
  expect(openBelow(k.root)).toBe(0);
});

it("keeps no more than so many files open", () => {
  const many = Array.from({ length: 150 }, (_, n) => 1000 + n);
  members(...many);
  for (const pid of many) task(pid, pid, 10);
  const g = tasks();
  for (let n = 0; n < 3; n += 1) g.growth(1000);
  expect(openBelow(join(k.root, "proc"))).toBeLessThanOrEqual(100);
  for (const pid of many) task(pid, pid, 11);
  expect(g.growth(1000)).toMatchObject({ switches: 150 });
  g.close();
});

it("asks the kernel once about this process", () => {
  members(process.pid);
  const g = tasks(process.pid);
  g.growth(1000);
  const until = performance.now() + 20;
  while (performance.now() < until) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  expect(g.growth(1000)?.switches).toBeGreaterThan(5);
});

it("spares processes that are new, and never counts what they did before as done at once", () => {
  members(70);
  task(70, 70, 10);
  const g = tasks();
  g.growth(1000);
  members(70, 80);
  task(70, 70, 13);
  task(80, 80, 500);
  expect(g.growth(1000, true)).toMatchObject({ switches: 3 });
  expect(openBelow(join(k.root, "proc/80"))).toBe(0);
  task(80, 80, 600);
  expect(g.growth(1000)).toMatchObject({ switches: 0 });
  task(80, 80, 607);
  expect(g.growth(1000)).toMatchObject({ switches: 7 });
  g.close();
});

const point = groupOf("")?.point;

it("follows a process into a group that took the place of another, of which nothing stays open", async (test) => {
  let top = "";
  try {
    top = mkdtempSync(join(point ?? "/nonexistent", "pants-test-"));
  } catch (error) {
    test.skip(`no control group can be made here: ${(error as Error).message}`);
  }
  const child = spawn("sh", ["-c", "while :; do sleep 0.01; done"], { stdio: "ignore" });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const enter = (group: string) => {
    mkdirSync(join(top, group));
    writeFileSync(join(top, group, "cgroup.procs"), String(child.pid));
  };
  const g = new GroupTasks({ folder: top, proc: "/proc", io: false, own: null });
  const seen = () =>
    vi.waitFor(() => expect(g.growth(1000)?.switches).toBeGreaterThan(0), { timeout: 5000, interval: 100 });
  try {
    enter("one");
    await seen();
    // As many groups as before: only that the first one cannot be read any more tells.
    enter("two");
    await vi.waitFor(() => rmdirSync(join(top, "one")), { timeout: 5000 });
    await seen();
    expect(openBelow(join(top, "one"))).toBe(0);
    expect(openBelow(join(top, "two"))).toBe(1);
  } finally {
    child.kill("SIGKILL");
    await ended;
    g.close();
    for (const group of foldersIn(top))
      await vi.waitFor(() => rmdirSync(join(top, group)), { timeout: 5000 });
    rmdirSync(top);
  }
});
