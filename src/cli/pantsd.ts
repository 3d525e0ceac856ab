import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import yargs from "yargs";
import { reportStart, startDetached } from "../daemon/detach.js";
import { runPantsd } from "../daemon/run.js";
import { configFile, runtimeDir } from "../io/paths.js";
import { CommandError, main } from "./commands/support.js";
import { packageVersion } from "./commands/version.js";

await main("pantsd", async () => {
  const args = await yargs(process.argv.slice(2))
    .scriptName("pantsd")
    .usage(
      "$0 [--config FILE] [--foreground]\n\nThe daemon of one host: its load, its slots, its place in the cluster.",
    )
    .option("config", { type: "string", requiresArg: true, describe: "Configuration file [PANTS_CONFIG]" })
    .option("foreground", { type: "boolean", default: false, describe: "Stay here, log to stderr" })
    .option("detached", { type: "boolean", default: false, hidden: true })
    .strict()
    .version(packageVersion())
    .parse();
  const file = resolve(args.config ?? configFile());
  const runtime = runtimeDir();
  if (args.foreground) {
    await runPantsd({ configFile: file, runtime, logToFile: false });
    return;
  }
  if (args.detached) {
    try {
      await runPantsd({ configFile: file, runtime, logToFile: true });
      await reportStart({ ok: true });
      process.chdir("/");
    } catch (error) {
      await reportStart({ ok: false, message: (error as Error).message });
      process.exitCode = 1;
    }
    if (process.connected) process.disconnect();
    return;
  }
  const script = fileURLToPath(import.meta.url);
  const report = await startDetached(script, ["--detached", "--config", file]);
  if (!report.ok) throw new CommandError(report.message);
});
