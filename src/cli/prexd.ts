/** prexd: one per user, started by the first stand-in that needs it, or by hand. */
import { accept, becomeTheOne, CannotServe } from "../helper/accept.js";
import { Groups } from "../helper/groups.js";
import { Helper } from "../helper/helper.js";
import { openLog } from "../helper/log.js";
import { ConfigError, loadConfig } from "../io/config.js";
import { native } from "../io/native.js";
import { optimiseLate } from "../io/optimise.js";
import { configFile, runtimeDir, userDir, worksFile } from "../io/paths.js";

async function main(): Promise<void> {
  optimiseLate();
  const uid = process.getuid?.() ?? 0;
  const runtime = runtimeDir();
  const directory = userDir(runtime, uid);
  const config = loadConfig(configFile());
  const lock = becomeTheOne(directory, uid);
  if (lock === undefined) return;
  native.setProcessName("prexd");
  process.title = "prexd";
  process.on("SIGHUP", () => undefined);
  const helper: Helper = new Helper({
    runtime,
    rsh: process.env["PANTS_RSH"] ?? "ssh",
    agentCommand: config.agent.command,
    patienceMs: config.placement.patience_ms,
    shortMs: config.placement.short_ms,
    worksFile: worksFile(directory),
    log: await openLog(process.env["PANTS_LOG"] ?? "warn"),
    done: () => end(helper),
  });
  // What runs may be other sessions', which have nothing to do with why; the next program starts the next one meanwhile.
  const leave = (): void => {
    if (helper.leaving) return;
    shut();
    native.close(lock);
    helper.finish();
  };
  const shut = accept(directory, uid, new Groups(leave), helper);
  process.on("SIGTERM", () => (helper.leaving ? end(helper) : leave()));
  process.on("SIGINT", () => end(helper));
}

function end(helper: Helper): void {
  helper.close();
  setImmediate(() => process.exit(0));
}

try {
  await main();
} catch (error) {
  if (!(error instanceof CannotServe || error instanceof ConfigError)) throw error;
  process.stderr.write(`prexd: ${error.message}\n`);
  process.exitCode = 1;
}
