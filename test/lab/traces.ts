/** What a lab leaves on the machine. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cgroupPids, labsWithCgroups } from "../../src/lab/cgroup.js";
import { describe, pidsMarked } from "../../src/lab/processes.js";
import type { LabRecord } from "../../src/lab/teardown.js";
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

/** Folders of labs that a process (this one) owns: the last that is removed of each. */
export function ownLabs(pid = process.pid): string[] {
  const owner = (folder: string): number => {
    try {
      return (JSON.parse(readFileSync(join(folder, "lab.json"), "utf8")) as LabRecord).owner.pid;
    } catch {
      return 0; // Somebody else's, just being made or removed.
    }
  };
  const folders = readdirSync(tmpdir()).filter((name) => name.startsWith("pants-lab-"));
  return folders.map((name) => join(tmpdir(), name)).filter((folder) => owner(folder) === pid);
}
