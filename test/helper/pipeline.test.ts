import { type ChildProcess, spawn } from "node:child_process";
import { readlinkSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { isPiped } from "../../src/helper/pipeline.js";
import { parentOf } from "../../src/io/processes.js";
import { children, describe as processOf } from "../../src/lab/processes.js";
import { until } from "../../src/lab/wait.js";

describe("a program of a pipeline", () => {
  const started: ChildProcess[] = [];
  afterEach(() => {
    for (const { pid } of started.splice(0)) process.kill(-(pid ?? 0), "SIGKILL");
  });

  /** The child with this name of what a command line runs. */
  async function child(name: string, command: string, ...args: string[]): Promise<number> {
    const one = spawn(command, args, { stdio: "ignore", detached: true });
    started.push(one);
    return named(name, one.pid ?? 0);
  }
  const named = (name: string, parent: number): Promise<number> =>
    until(`${name} below ${parent}`, () => children(parent).find((pid) => processOf(pid)?.name === name));
  const pipe = (pid: number, fd: number): number =>
    Number(/^pipe:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1]);

  it.each(["sh", "bash"])("is told by a pipe that its parent, %s, has not", async (shell) => {
    const sleep = await child("sleep", shell, "-c", "sleep 100 | cat; true");
    const cat = await named("cat", parentOf(sleep));
    await until(
      "the shell to close them",
      () => isPiped(sleep, [pipe(sleep, 1)]) && isPiped(cat, [pipe(cat, 0)]),
    );
  });

  it("is not one whose pipe its parent has too, as below `make | tee`", async () => {
    const shell = await child("sh", "sh", "-c", "{ sleep 100; true; } | cat; true");
    const sleep = await named("sleep", shell);
    await until("the shell above to close it", () => isPiped(shell, [pipe(shell, 1)]));
    expect(isPiped(sleep, [pipe(sleep, 1)])).toBe(false);
  });

  it("nor one whose parent reads what it writes", async () => {
    const parent = "import subprocess; subprocess.run(['sleep', '100'], stdout=subprocess.PIPE)";
    const sleep = await child("sleep", "python3", "-c", parent);
    expect(isPiped(sleep, [pipe(sleep, 1)])).toBe(false);
  });
});
