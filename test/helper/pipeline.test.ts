import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { isPiped } from "../../src/helper/pipeline.js";
import { children } from "../../src/lab/processes.js";
import { until } from "../../src/lab/wait.js";

describe("a program of a pipeline", () => {
  const started: ChildProcess[] = [];
  afterEach(() => {
    for (const { pid } of started.splice(0)) process.kill(-(pid ?? 0), "SIGKILL");
  });

  /** A child of a shell that runs a script: the one with this name. */
  async function child(script: string, name: string, shell = "sh"): Promise<number> {
    const one = spawn(shell, ["-c", script], { stdio: "ignore", detached: true });
    started.push(one);
    return until(`${name} of ${script}`, () =>
      children(one.pid ?? 0).find((pid) => readFileSync(`/proc/${pid}/comm`, "utf8") === `${name}\n`),
    );
  }
  const pipe = (pid: number, fd: number): number =>
    Number(/^pipe:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1]);

  it.each(["sh", "bash"])("is told by a pipe that its parent, %s, has not", async (shell) => {
    const sleep = await child("sleep 100 | cat; true", "sleep", shell);
    const cat = await child("sleep 100 | cat; true", "cat", shell);
    await until(
      "the shell to close them",
      () => isPiped(sleep, [pipe(sleep, 1)]) && isPiped(cat, [pipe(cat, 0)]),
    );
  });

  it("is not one whose pipe its parent has too, as below `make | tee`", async () => {
    const shell = await child("{ sleep 100; true; } | cat; true", "sh");
    const sleep = await until("sleep", () => children(shell)[0]);
    await until("it to be sleep", () => readFileSync(`/proc/${sleep}/comm`, "utf8") === "sleep\n");
    expect(isPiped(shell, [pipe(shell, 1)])).toBe(true);
    expect(isPiped(sleep, [pipe(sleep, 1)])).toBe(false);
  });

  it("nor one whose parent reads what it writes", async () => {
    const shell = "import subprocess; subprocess.run(['sleep', '100'], stdout=subprocess.PIPE)";
    const one = spawn("python3", ["-c", shell], { stdio: "ignore", detached: true });
    started.push(one);
    const sleep = await until("sleep", () =>
      children(one.pid ?? 0).find((pid) => readFileSync(`/proc/${pid}/comm`, "utf8") === "sleep\n"),
    );
    expect(isPiped(sleep, [pipe(sleep, 1)])).toBe(false);
  });
});
