/** Runs this package's commands as a user would, and makes places for them to work in. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

export const root = join(import.meta.dirname, "..", "..");

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder that is gone when the test ends. */
export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), "pants-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs a program to its end; nothing of PANTS is inherited but what `env` says. */
export function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Ran {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith("PANTS_") && name !== "LD_PRELOAD",
  );
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: "utf8",
    env: { ...Object.fromEntries(inherited), ...env },
  });
  if (error !== undefined) throw error;
  return { status, stdout, stderr };
}

/** Runs a command of this package. */
export function command(name: string, args: readonly string[], env?: NodeJS.ProcessEnv): Ran {
  return run(join(root, "bin", name), args, env);
}
