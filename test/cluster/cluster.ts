/** What the tests of a whole cluster share. */
import { spawnSync } from "node:child_process";
import { basename, join } from "node:path";
import { ready } from "../../src/cli/demo/ready.js";
import type { Outputs, Workspace } from "../../src/cli/demo/workspace.js";
import { packageRoot } from "../../src/io/paths.js";
import type { Host } from "../../src/lab/host.js";
import type { LabOptions } from "../../src/lab/lab.js";
import { Lab } from "../../src/lab/lab.js";
import type { Process } from "../../src/lab/processes.js";
import { runs } from "../../src/lab/processes.js";
import { missingRights } from "../../src/lab/rights.js";

/** Why a cluster cannot be had here; empty when it can. Said once, since its tests are skipped then. */
export const missing = missingRights(0.5).join("; ");
if (missing !== "") console.warn(`tests of a cluster are skipped: ${missing}`);

/** A few grammars: enough for some seconds of work. */
export const FEW = ["c", "go", "java", "javascript", "python"] as const;

/** A lab whose hosts have found each other. */
export async function cluster(options: LabOptions): Promise<Lab> {
  const lab = await Lab.up(options);
  try {
    await ready(lab);
    return lab;
  } catch (error) {
    const logs = lab.hosts.map((host) => `${host.name}: ${host.log("pantsd.log").slice(-1000)}`);
    await lab.down();
    throw new Error(logs.join("\n"), { cause: error });
  }
}

/** The same sources built without PANTS or any lab. */
export function reference(work: Workspace): Outputs {
  const env = { ...process.env, PATH: work.path(), MAKEFLAGS: "" };
  const make = spawnSync("make", ["-j2", "OUT=reference"], { cwd: work.folder, env, encoding: "utf8" });
  if (make.status !== 0) throw new Error(`make: ${make.stderr}`);
  return work.outputs("reference");
}

/** Whether a process belongs to the host itself, or is one of the resident ones with their links. */
function resident(lab: Lab, one: Process): boolean {
  const { argv, name } = one;
  if (argv[0] === "sh" && argv[1] === join(lab.folder, "init")) return true;
  if (argv[1] === "2147483647" || name === "sshd" || name === "ssh") return true;
  if (basename(argv[0] ?? "") === "prex" && argv[1] === "--keep") return true;
  return (["pantsd", "prexd", "prex-agent"] as const).some((command) => runs(one, command));
}

/** What else runs on the hosts, in words. */
export function strays(lab: Lab): string[] {
  return lab.hosts.flatMap((host) =>
    host
      .processes()
      .filter((one) => !resident(lab, one))
      .map(
        ({ argv, name, pid, zombie }) =>
          `${host.name}: ${pid} ${argv.join(" ") || name}${zombie ? " (zombie)" : ""}`,
      ),
  );
}

/** Whether a host has joined a multicast group. */
export const joined = (host: Host, group: string): boolean => host.joinedOn(group).length > 0;

export const PORT = 7717;
export const LEADER_GROUP = "239.255.77.1";
export const FREE_GROUP = "239.255.77.2";

/** The JSON that a subcommand of `pants` prints on a host. */
export async function pants(host: Host, ...args: string[]): Promise<unknown> {
  const run = await host.run([join(packageRoot, "bin", "pants"), ...args, "--json"]);
  if (run.status !== 0) throw new Error(`pants ${args.join(" ")} on ${host.name}: ${run.stderr}`);
  return JSON.parse(run.stdout);
}
