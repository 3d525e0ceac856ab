/** `make -j8` on the first host of a lab. */
import { join } from "node:path";
import { packageRoot } from "../../io/paths.js";
import type { Result } from "../../lab/command.js";
import type { Running, RunOptions } from "../../lab/host.js";
import type { Lab } from "../../lab/lab.js";
import type { Outputs, Workspace } from "./workspace.js";

export const prex = join(packageRoot, "bin", "prex");
export const libprex = join(packageRoot, "build", "Release", "libprex.so");

export interface Built extends Result {
  readonly outputs: Outputs;
}

/** Starts the build; with PANTS only LD_PRELOAD is different. */
export function startBuild(lab: Lab, work: Workspace, out: string, pants: boolean): Running {
  const env: RunOptions["env"] = { PATH: work.path(), LD_PRELOAD: pants ? libprex : undefined };
  const home = lab.hosts[0];
  if (!home) throw new Error("a build needs a host");
  return home.start(["make", "-j8", `OUT=${out}`], { cwd: work.folder, env });
}

/** The build from start to end. @throws when make fails, with what it said. */
export async function finish(running: Running, work: Workspace, out: string): Promise<Built> {
  const result = await running.done;
  if (result.status !== 0) {
    const how = result.signal ?? `status ${String(result.status)}`;
    throw new Error(`make ended with ${how}:\n${result.stderr.split("\n").slice(-20).join("\n")}`);
  }
  return { ...result, outputs: work.outputs(out) };
}
