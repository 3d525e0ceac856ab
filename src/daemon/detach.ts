/** Starts a command again in the background, and says how that went. */
import { spawn } from "node:child_process";

/** What the one in the background tells the one that started it. */
export type StartReport = { readonly ok: true } | { readonly ok: false; readonly message: string };

/** Runs a script with node, without a terminal, in a session of its own; resolves with its first word. */
export function startDetached(script: string, args: readonly string[]): Promise<StartReport> {
  return new Promise((resolve) => {
    const stdio = ["ignore", "ignore", "ignore", "ipc"] as const;
    const child = spawn(process.execPath, [...process.execArgv, script, ...args], {
      detached: true,
      stdio: [...stdio],
    });
    child.once("error", (error) => resolve({ ok: false, message: error.message }));
    child.once("exit", (status) =>
      resolve({ ok: false, message: `ended with status ${status ?? "of a signal"}` }),
    );
    child.once("message", (report) => {
      child.disconnect();
      child.unref();
      resolve(report as StartReport);
    });
  });
}

/** Called in the background: gives the one that waits its answer. */
export function reportStart(report: StartReport): Promise<void> {
  return new Promise((resolve) => {
    if (process.send) process.send(report, undefined, undefined, () => resolve());
    else resolve();
  });
}
