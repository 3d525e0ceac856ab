/** From a command line to a running pantsd, and back out at its end. */
import { setPriority } from "node:os";
import { join } from "node:path";
import { ConfigError, loadConfig } from "../io/config.js";
import { KeyError } from "../io/key.js";
import { type Logger, openLog } from "../io/log.js";
import { native } from "../io/native.js";
import { collectInOne, optimiseLate } from "../io/optimise.js";
import { claimRuntimeDir, RuntimeDirError } from "../io/runtime-dir.js";
import { Pantsd } from "./pantsd.js";

const niceValue = -5;
/** A start that failed for a reason the user can mend, in one line. */
export class StartError extends Error {}

export interface RunOptions {
  readonly configFile: string;
  readonly runtime: string;
  /** Log to a file in the runtime directory rather than to stderr. */
  readonly logToFile: boolean;
}

/** Starts pantsd; it runs until a signal ends the process. @throws {StartError} */
export async function runPantsd(options: RunOptions): Promise<void> {
  const { configFile, runtime } = options;
  optimiseLate();
  collectInOne();
  let log: Logger;
  let pantsd: Pantsd;
  // What is told to end while it starts does so in order, once it has started.
  const early: NodeJS.Signals[] = [];
  let act = (signal: NodeJS.Signals): void => void early.push(signal);
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => act(signal));
  try {
    const config = loadConfig(configFile);
    claimRuntimeDir(runtime);
    log = openLog("pantsd", options.logToFile ? join(runtime, "pantsd.log") : undefined);
    pantsd = new Pantsd({ config, configFile, runtime, log });
    await pantsd.start();
  } catch (error) {
    if (error instanceof ConfigError || error instanceof KeyError || error instanceof RuntimeDirError) {
      throw new StartError(error.message);
    }
    throw new StartError(error instanceof Error ? error.message : String(error), { cause: error });
  }
  native.setProcessName("pantsd");
  preferOverJobs();
  act = (signal) => {
    if (signal === "SIGHUP") {
      pantsd.readKeys();
      pantsd.readConfig();
      return;
    }
    log.info({ signal }, "ending");
    void pantsd.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  for (const signal of early) act(signal);
  process.on("uncaughtException", (error) => {
    log.fatal({ err: error }, "fault");
    process.exit(1);
  });
}

/** The cluster waits for a leader's answers, also while jobs fill every CPU of its host. Only root may. */
function preferOverJobs(): void {
  try {
    setPriority(niceValue);
  } catch {
    // As good as the others, then.
  }
}
