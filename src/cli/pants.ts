import yargs from "yargs";
import { main, UsageError } from "./commands/support.js";
import { packageVersion } from "./commands/version.js";

// Each command's file is loaded when it is used: `pants --help` needs no addon.
await main("pants", async () => {
  const json = { json: { type: "boolean", describe: "For programs" } } as const;
  await yargs(process.argv.slice(2))
    .locale("en")
    .scriptName("pants")
    .usage("$0 COMMAND [--json]\n\nLook at and steer PANTS on this host.")
    .command(
      "status",
      "This host: load, slots, role in the cluster",
      (y) => y.options(json).example("$0 status --json", "for a monitor"),
      async (args) => (await import("./commands/status.js")).status(args),
    )
    .command(
      "hosts",
      "All hosts that offer slots, as the leader sees them",
      (y) => y.options(json).example("$0 hosts", "who is free"),
      async (args) => (await import("./commands/hosts.js")).hosts(args),
    )
    .command(
      "jobs",
      "Your jobs on other hosts, and theirs on this one",
      (y) => y.options(json).example("$0 jobs", "what runs where now"),
      async (args) => (await import("./commands/jobs.js")).jobs(args),
    )
    .command(
      "why",
      "Where the last marked programs ran, and why",
      (y) =>
        y
          .options(json)
          .option("n", { type: "number", default: 20, requiresArg: true, describe: "How many decisions" })
          .option("program", {
            type: "string",
            requiresArg: true,
            describe: "Only this program (name or path)",
          })
          .example("$0 why -n 5", "the last five")
          .example("$0 why --program gcc", "only gcc's"),
      async (args) => (await import("./commands/why.js")).why(args),
    )
    .command(
      "log",
      "The record of this host's load, interval by interval",
      (y) =>
        y
          .option("since", { type: "string", requiresArg: true, describe: "30s, 10m, 2h, 1d ago, or a time" })
          .option("n", { type: "number", requiresArg: true, describe: "Only the newest so many" })
          .option("csv", { type: "boolean", describe: "All that is on record, as CSV" })
          .options(json)
          .example("$0 log --since 10m", "what was measured, and what followed"),
      async (args) => (await import("./commands/log.js")).log(args),
    )
    .command(
      "stats [HOST...]",
      "How the load was spread over the hosts (default: all that the leader knows)",
      (y) =>
        y
          .positional("HOST", { type: "string", array: true })
          .option("since", { type: "string", default: "10m", requiresArg: true, describe: "As for log" })
          .option("every", { type: "number", default: 5, requiresArg: true, describe: "Seconds to a point" })
          .option("csv", { type: "boolean", describe: "Every point in time, as CSV" })
          .options(json)
          .example("$0 stats --since 1h", "mean, deviation, min and max of every index"),
      async (args) => (await import("./commands/stats.js")).stats({ ...args, hosts: args.HOST ?? [] }),
    )
    .command("set", "What makes this host busy, in force at once", (y) =>
      y
        .command(
          "policy NAME",
          "adaptive, multi (the paper's, all indices) or cpu (the paper's default)",
          (z) =>
            z
              .positional("NAME", { type: "string", demandOption: true })
              .options(json)
              .example("$0 set policy multi", "static thresholds"),
          async (args) => (await import("./commands/set.js")).setPolicy(args.NAME, args),
        )
        .command(
          "threshold INDEX VALUE",
          "Busy at or above VALUE; 'default': as the policy has it",
          (z) =>
            z
              .positional("INDEX", {
                type: "string",
                demandOption: true,
                describe: "cpu, io, ctxt, memory, intr, net",
              })
              .positional("VALUE", { type: "string", demandOption: true, describe: "In the index's unit" })
              .options(json)
              .example("$0 set threshold cpu 90", "busy at 90 % of its CPUs"),
          async (args) => (await import("./commands/set.js")).setThreshold(args.INDEX, args.VALUE, args),
        )
        .demandCommand(1, "say what to set: set policy or set threshold"),
    )
    .command(
      "calibrate",
      "Measure this host at rest, and propose thresholds",
      (y) =>
        y
          .option("seconds", {
            type: "number",
            default: 30,
            requiresArg: true,
            describe: "How long to measure",
          })
          .option("write", { type: "boolean", describe: "Put them into the configuration" })
          .options(json)
          .example("$0 calibrate", "the paper's Table 2 for this host"),
      async (args) => (await import("./commands/calibrate.js")).calibrate(args),
    )
    .command(
      "bench [EXPERIMENT...]",
      "Measure what PANTS gains here, beside other ways, and write a report",
      (y) =>
        y
          .positional("EXPERIMENT", { type: "string", array: true, describe: "Default: all" })
          .option("runs", { type: "number", requiresArg: true, describe: "Of each variant (3)" })
          .option("only", {
            type: "string",
            array: true,
            nargs: 1,
            describe: "Only this variant (may be repeated)",
          })
          .option("out", {
            type: "string",
            default: "pants-bench-results",
            requiresArg: true,
            describe: "Folder of results; what is on record there is not run again",
          })
          .option("again", { type: "boolean", describe: "Run also what is on record" })
          .option("report", {
            type: "boolean",
            describe: "Run nothing, write the report from what is on record",
          })
          .option("small", { type: "boolean", describe: "As little as shows that it works" })
          .option("lab", {
            type: "number",
            requiresArg: true,
            describe: "On so many hosts in namespaces here",
          })
          .option("cpus", { type: "number", requiresArg: true, describe: "CPUs of each host of the lab" })
          .option("hosts", {
            type: "string",
            requiresArg: true,
            describe: "Of the cluster: whose load is shown, as a,b,c (default: all)",
          })
          .option("policies", {
            type: "string",
            requiresArg: true,
            describe:
              "To compare, as cpu,multi,adaptive; on a cluster they are set on its hosts and set back",
          })
          .option("dir", {
            type: "string",
            requiresArg: true,
            describe: "For what is made meanwhile; all hosts of a cluster must see it (default: here)",
          })
          .option("set", {
            type: "string",
            array: true,
            nargs: 1,
            describe: "NAME=VALUE of an experiment (docs/bench.md)",
          })
          .example("$0 bench micro", "the paper's micro benchmarks"),
      async ({ EXPERIMENT: names, ...args }) =>
        (await import("./commands/bench.js")).bench({ ...args, names: names ?? [] }),
    )
    .command("key", "The cluster's secret key", (y) =>
      y
        .command(
          "new [FILE]",
          "Make a key (default: where the configuration says)",
          (z) =>
            z
              .positional("FILE", { type: "string", describe: "File to write, which must not exist" })
              .options(json)
              .example("$0 key new", "writes /etc/pants/key")
              .example("$0 key new ./key", "writes ./key"),
          async (args) => (await import("./commands/key.js")).keyNew({ file: args.FILE, json: args.json }),
        )
        .command(
          "rotate [FILE]",
          "Take the next of three steps to another key",
          (z) =>
            z
              .positional("FILE", { type: "string", describe: "Key file (default: as configured)" })
              .option("force", { type: "boolean", describe: "Drop the old key though hosts sign with it" })
              .options(json)
              .example("$0 key rotate", "then copy the file to every host, and again"),
          async ({ FILE: file, force, json: asJson }) =>
            (await import("./commands/key-rotate.js")).keyRotate({ file, force, json: asJson }),
        )
        .command(
          "show [FILE]",
          "The keys by their ids, and how many hosts use each",
          (z) =>
            z
              .positional("FILE", { type: "string", describe: "Key file (default: as configured)" })
              .options(json)
              .example("$0 key show", "whether the next step is safe"),
          async (args) =>
            (await import("./commands/key-show.js")).keyShow({ file: args.FILE, json: args.json }),
        )
        .demandCommand(1, "say what to do: key new, key rotate or key show"),
    )
    .demandCommand(1, "say which command")
    .strictCommands()
    .strict()
    .version(packageVersion())
    .fail((message: string | null, error: Error | undefined) => {
      throw message === null && error ? error : new UsageError(message ?? "");
    })
    .parseAsync();
});
