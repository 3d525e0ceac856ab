/** What a lab leaves on the machine. */
import { existsSync, readFileSync } from "node:fs";
import { cgroupPids, labsWithCgroups } from "../../src/lab/cgroup.js";
import { describe, pidsMarked } from "../../src/lab/processes.js";
import { labFolder } from "../../src/lab/teardown.js";

/** Everything there is of a lab, in words; empty when nothing is. */
export function traces(id: string): string[] {
  const found: string[] = [];
  if (existsSync(labFolder(id))) found.push(labFolder(id));
  if (labsWithCgroups().includes(id)) found.push(`control groups with ${cgroupPids(id).length} processes`);
  for (const pid of pidsMarked(`${id}/`)) {
    found.push(`process ${pid}: ${describe(pid)?.argv.join(" ") ?? "ended"}`);
  }
  if (readFileSync("/proc/self/mountinfo", "utf8").includes(id)) found.push("mounts");
  return found;
}
