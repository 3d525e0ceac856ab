/** `pants-lab`: hosts on one machine to try things on. */
import { join } from "node:path";
import yargs from "yargs";
import { packageRoot } from "../io/paths.js";
import { LabError } from "../lab/command.js";
import { Lab } from "../lab/lab.js";
import { deadLabs, teardown } from "../lab/teardown.js";

interface Up {
  readonly hosts: number;
  readonly cpus?: number | undefined;
  readonly slots?: number | undefined;
}

async function up({ hosts, cpus, slots }: Up, command: readonly string[]): Promise<number> {
  // Whoever says how many means it: no load of the machine that the hosts share takes one away.
  const settings = slots === undefined ? {} : { slots: { total: slots }, load: { policy: "cpu", cpu: 100 } };
  const lab = await Lab.up(cpus === undefined ? { hosts, settings } : { hosts, cpus, settings });
  const interrupted = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const stop = (): void => undefined; // The command hears it too and ends; then the lab goes down.
  for (const signal of interrupted) process.on(signal, stop);
  try {
    if (lab.notIsolated) console.error(`pants-lab: ${lab.notIsolated}`);
    const argv = command.length > 0 ? command : [process.env["SHELL"] ?? "/bin/sh"];
    const env = { LD_PRELOAD: join(packageRoot, "build", "Release", "libprex.so") };
    const name = lab.hosts[0]?.name ?? "";
    console.error(
      `pants-lab: on ${name} of ${lab.hosts.map((host) => host.name).join(" ")}; logs in ${lab.folder}`,
    );
    const result = await lab.host(name).run(argv, { cwd: process.cwd(), env, stdio: "inherit" });
    return result.status ?? 1;
  } finally {
    await lab.down();
  }
}

async function clean(): Promise<number> {
  for (const { id, folder } of deadLabs()) {
    await teardown(id, folder);
    console.log(`removed what lab ${id} left behind`);
  }
  return 0;
}

async function main(argv: string[]): Promise<number> {
  let status = 0;
  await yargs(argv)
    .scriptName("pants-lab")
    .parserConfiguration({ "populate--": true })
    .command(
      "up",
      "Bring hosts up, run a command (or a shell) on the first under LD_PRELOAD, take them down",
      (y) =>
        y
          .option("hosts", { type: "number", default: 3, describe: "How many" })
          .option("cpus", { type: "number", describe: "CPUs that each may use" })
          .option("slots", { type: "number", describe: "Slots of each, however loaded it is" }),
      async (args) => {
        const command = (args["--"] as string[] | undefined) ?? [];
        status = await up(args, command);
      },
    )
    .command("clean", "Remove what dead labs left behind", {}, async () => {
      status = await clean();
    })
    .command(
      "guard <id> <folder>",
      false,
      (y) =>
        y.positional("id", { type: "string", demandOption: true }).positional("folder", {
          type: "string",
          demandOption: true,
        }),
      async ({ id, folder }) => teardown(id, folder),
    )
    .demandCommand(1)
    .strict()
    .fail((message, error) => {
      throw message ? new LabError(message) : error;
    })
    .parseAsync();
  return status;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`pants-lab: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
