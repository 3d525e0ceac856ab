/** Running programs to their end, and what comes of it. */
import type { ChildProcess } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";

/** How a program went. */
export interface Result {
  /** Exit status, or null when a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Wall clock from start to the end of its output. */
  readonly ms: number;
}

/** A step of bringing up or taking down failed; the message says which command and what it said. */
export class LabError extends Error {}

/** Runs one of the lab's own tools. @throws {LabError} unless it ends with status 0. */
export function tool(command: string, args: readonly string[], input?: string): string {
  const done = spawnSync(command, args, { encoding: "utf8", ...(input === undefined ? {} : { input }) });
  if (done.status === 0) return done.stdout;
  const why = done.error ? done.error.message : done.stderr.trim() || `status ${String(done.status)}`;
  throw new LabError(`${command} ${args.join(" ")}: ${why}`);
}

/** The end of a child, with whatever of its output comes through pipes. */
export function ended(child: ChildProcess, began = performance.now()): Promise<Result> {
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8");
    child[name]?.on("data", (text: string) => {
      texts[name] += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status, signal) => {
      resolve({ status, signal, ...texts, ms: performance.now() - began });
    });
  });
}

/** Starts a program that goes on after this process and hears no signal of its terminal. */
export function background(argv: readonly string[], env: NodeJS.ProcessEnv, log: number): ChildProcess {
  const [command = "", ...args] = argv;
  const child = spawn(command, args, { detached: true, stdio: ["ignore", log, log], env, cwd: "/" });
  child.unref();
  return child;
}
