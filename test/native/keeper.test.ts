/** prex --keep: nothing outlives it, and its lock tells so. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { processState, World } from "./world.js";

const world = new World();
let prex = "";
beforeAll(() => {
  prex = world.prex;
});
afterAll(() => world.remove());

const pidsIn = (file: string): number[] =>
  existsSync(file) ? readFileSync(file, "latin1").trim().split("\n").map(Number) : [];

it("ends as its program ended", () => {
  expect(world.run([prex, "--keep", "sh", "-c", "exit 7"]).status).toBe(7);
  expect(world.run([prex, "--keep", "sh", "-c", "kill -9 $$"]).signal).toBe("SIGKILL");
  expect(world.run([prex, "--keep", "nonexistent-program"]).status).toBe(127);
  expect(world.run([prex, "--keep"]).status).toBe(2);
});

it("hands on stdin and stdout, and lets go of them", () => {
  expect(world.run([prex, "--keep", "cat"], {}, world.dir, "through").stdout).toBe("through");
});

it("kills whatever the program left: children, daemons, a session of its own", () => {
  const file = join(world.dir, "left");
  const script = `for i in 1 2 3; do (setsid sh -c 'echo $$ >> ${file}; trap "" TERM HUP; (sh -c "echo \\$\\$ >> ${file}; exec sleep 1000" &) ; exec sleep 1000' &) ; done; while [ "$(wc -l < ${file})" != 6 ]; do :; done`;
  expect(world.run([prex, "--keep", "sh", "-c", `: > ${file}; ${script}`]).status).toBe(0);
  expect(pidsIn(file)).toHaveLength(6);
  for (const pid of pidsIn(file)) expect(processState(pid)).toBe("");
});

it("kills them when the program is killed, or the keeper is told to end", async () => {
  const file = join(world.dir, "left2");
  const job = world.start([
    prex,
    "--keep",
    "sh",
    "-c",
    `echo $$ > ${file}; setsid sleep 1000 & echo $! >> ${file}; trap 'exit 9' TERM; while :; do sleep 0.05; done`,
  ]);
  await job.until(() => pidsIn(file).length === 2);
  job.child.kill("SIGTERM");
  expect(await job.ended()).toBe(9);
  for (const pid of pidsIn(file)) expect(processState(pid)).toBe("");
});

it("ends its program when it is killed itself", async () => {
  const file = join(world.dir, "left3");
  const job = world.start([prex, "--keep", "sh", "-c", `echo $$ > ${file}; exec sleep 1000`]);
  await job.until(() => pidsIn(file).length === 1);
  job.child.kill("SIGKILL");
  await job.ended();
  await job.until(() => processState(pidsIn(file)[0] ?? 0) === "");
});

it("holds the link's lock until all are dead", async () => {
  for (const env of [{ PANTS_LINK_LOCK: join(world.dir, "link.lock") }, { PANTS_LINK_LOCK: "" }]) {
    const lock = env.PANTS_LINK_LOCK === "" ? join(world.users, "agent-ab12.lock") : env.PANTS_LINK_LOCK;
    const job = world.start([prex, "--keep", "sh", "-c", "echo up; read x", "sh", "--link", "ab12"], env);
    await job.until(() => job.stdout.includes("up"));
    expect(statSync(lock).mode & 0o777).toBe(0o600);
    expect(world.run(["flock", "-n", lock, "true"]).status).toBe(1);
    expect(world.run([prex, "--keep", "true"], { PANTS_LINK_LOCK: lock })).toMatchObject({ status: 1 });
    job.child.stdin?.end();
    await job.ended();
    expect(world.run(["flock", "-n", lock, "true"]).status).toBe(0);
  }
});
