import yargs from "yargs";
import { flagFiles } from "./commands/flag.js";
import { main, UsageError } from "./commands/support.js";
import { packageVersion } from "./commands/version.js";

const flag = (describe: string) => ({ type: "boolean", describe }) as const;

await main("pants-flag", async () => {
  const args = await yargs(process.argv.slice(2))
    .locale("en")
    .scriptName("pants-flag")
    .usage(
      "$0 --migratable|--never|--idempotent|--clear|--show FILE...\n\nMarks programs that may run on other hosts.",
    )
    .option("migratable", flag("may run on another host"))
    .option("never", flag("never runs on another host"))
    .option(
      "idempotent",
      flag("may be run again when the host it ran on is lost (compilers); alone: added to the mark"),
    )
    .option("clear", flag("take the mark away"))
    .option("show", flag("show the mark"))
    .option("json", flag("with --show: for programs"))
    .example("$0 --migratable --idempotent /usr/bin/gcc", "gcc may run elsewhere, and again")
    .example("$0 --show /usr/bin/*", "who is marked")
    .epilogue(
      "Links are followed. A mark is part of the file: a package that is installed again comes without it.",
    )
    .parserConfiguration({ "boolean-negation": false, "parse-positional-numbers": false })
    .strictOptions()
    .version(packageVersion())
    .fail((message: string | null, error: Error | undefined) => {
      throw message === null && error ? error : new UsageError(message ?? "");
    })
    .parse();
  const files = args._.map(String);
  if (files.length === 0) throw new UsageError("say which FILE");
  flagFiles(files, args);
});
