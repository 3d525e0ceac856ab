/** pants-flag where it may not, or cannot, write. */
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { root, run, temporary } from "./support.js";

const isRoot = process.getuid?.() === 0;
const tool = join(root, "bin", "pants-flag");

function place(): { folder: string; path: string; before: Buffer } {
  const folder = temporary();
  chmodSync(folder, 0o755);
  const path = join(folder, "program");
  copyFileSync("/bin/sleep", path);
  chmodSync(path, 0o755);
  return { folder, path, before: readFileSync(path) };
}

/** As somebody who owns nothing here. */
function asNobody(...args: string[]): ReturnType<typeof run> {
  if (!isRoot) return run(tool, args);
  return run("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", tool, ...args]);
}

test("a file that may not be written, or not be read", (context) => {
  context.skip(!nobodyCan(), "setpriv is not there, or others cannot read this tree");
  const { path, before } = place();
  if (!isRoot) chmodSync(path, 0o555);
  const write = asNobody("--migratable", path);
  expect(write).toEqual({
    status: 1,
    stdout: "",
    stderr: `pants-flag: ${path} cannot be written: permission denied\n`,
  });
  expect(readFileSync(path).equals(before)).toBe(true);
  expect(asNobody("--show", path)).toMatchObject({ status: 0, stdout: `${path}: not marked\n` });
  chmodSync(path, 0o311);
  expect(asNobody("--show", path).stderr).toBe(`pants-flag: ${path} cannot be read: permission denied\n`);
});

function nobodyCan(): boolean {
  return (!isRoot || !spawnSync("setpriv", ["--version"]).error) && asNobody("--version").status === 0;
}

/** Runs a script in a mount namespace of its own; null where that is not permitted. */
function withMounts(script: string): ReturnType<typeof run> | null {
  if (!isRoot || run("unshare", ["-m", "true"]).status !== 0) return null;
  return run("unshare", ["-m", "sh", "-ec", script]);
}

test("a read-only file system", (context) => {
  const { folder, path } = place();
  const ran = withMounts(`mount --bind ${folder} ${folder} && mount -o remount,ro,bind ${folder}
    ${tool} --migratable ${path}`);
  if (ran === null) return context.skip("needs root and mount namespaces");
  expect(ran).toMatchObject({ status: 1, stdout: "" });
  expect(ran.stderr).toBe(`pants-flag: ${path} cannot be written: the file system is read-only\n`);
  return undefined;
});

test("a full disk leaves a running program as it was, and no copy beside it", (context) => {
  const { folder, path, before } = place();
  const full = join(folder, "full");
  mkdirSync(full);
  const blocks = Math.ceil(before.length / 4096) + 3;
  const ran = withMounts(`mount -t tmpfs -o size=${blocks * 4096} full ${full}
    cp ${path} ${full}/program; ${full}/program 60 & 
    trap 'kill $!' EXIT
    until [ "$(readlink /proc/$!/exe)" = ${full}/program ]; do sleep 0.01; done
    ! ${tool} --migratable ${full}/program
    cmp ${path} ${full}/program; ls -A ${full}`);
  if (ran === null) return context.skip("needs root and mount namespaces");
  expect(ran.stderr).toContain("a copy cannot take its place: no space left on the file system");
  expect(ran).toMatchObject({ status: 0, stdout: "program\n" });
  return undefined;
});

test("a running program in a folder where nothing may be added", (context) => {
  context.skip(!isRoot || !nobodyCan(), "needs root, setpriv, and a tree that others can read");
  const { path } = place();
  chmodSync(path, 0o777);
  const child = spawnSync("sh", ["-c", `${path} 60 >/dev/null 2>&1 & echo $!`], { encoding: "utf8" });
  onTestFinished(() => void process.kill(Number(child.stdout), "SIGKILL"));
  const ran = asNobody("--migratable", path);
  expect(ran.stderr).toContain("is running, and a copy cannot take its place: permission denied");
  expect(statSync(path).mode & 0o777).toBe(0o777);
});
