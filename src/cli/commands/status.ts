/** pants status: this host as its pantsd sees it, and what is wrong with the set-up. */
import { indexNames, indexUnits } from "../../core/indices.js";
import { ConfigError, loadConfig } from "../../io/config.js";
import { askPantsd, NoAnswer } from "../../io/control-client.js";
import { keyWarnings } from "../../io/key-file.js";
import { configFile, pantsdSocket, runtimeDir } from "../../io/paths.js";
import type { ControlReply, ControlRequest, HostStatus } from "../../wire/control.js";
import { CommandError, print, printJson } from "./support.js";
import { clean, pairs, span } from "./table.js";

/** What each kind of refused datagram tells the user. */
const rejectionWords: Readonly<Record<string, string>> = {
  length: "cut short, or not PANTS's",
  magic: "not PANTS's",
  cluster: "another cluster's, on the same network and port",
  version: "another version of PANTS's",
  key: "signed with a key that is not in the key file here",
  time: "dated more than 30 s off, or before this pantsd's start",
  mac: "forged or damaged",
  replay: "came twice, or far too late",
  bounds: "signed by a host of the cluster, but senseless",
};

/** What a user who has no pantsd is told. */
export function noDaemon(error: NoAnswer): CommandError {
  const { path, code } = error;
  if (code === "EACCES") return new CommandError(`no permission for pantsd's socket ${path}`);
  if (code === "ETIMEDOUT") return new CommandError(`pantsd does not answer on ${path}`);
  const looked =
    code === "ENOENT"
      ? "there is no socket"
      : code === "ECONNREFUSED"
        ? "nobody listens on the socket"
        : code;
  return new CommandError(
    `no pantsd runs on this host: ${looked}: ${path}\n` +
      "  Programs run here as they always did. To start it: 'systemctl start pantsd' as root, or 'pantsd' as yourself.\n" +
      "  If it runs elsewhere, say where with PANTS_RUNTIME_DIR.",
  );
}

/** Asks this host's pantsd, and turns every failure into words. @throws {CommandError} */
export async function ask<T extends ControlReply["t"]>(
  request: Extract<ControlRequest, { id: number }>,
  answer: T,
): Promise<Extract<ControlReply, { t: T }>> {
  let reply: ControlReply;
  try {
    reply = await askPantsd(pantsdSocket(runtimeDir()), request);
  } catch (error) {
    throw error instanceof NoAnswer ? noDaemon(error) : error;
  }
  if (reply.t === "error") throw new CommandError(`pantsd says: ${reply.message}`);
  if (reply.t !== answer) throw new CommandError(`pantsd answered ${reply.t}: is it of another version?`);
  return reply as Extract<ControlReply, { t: T }>;
}

/** What is wrong with configuration and key, one line each. */
export function setupWarnings(): string[] {
  const file = configFile();
  try {
    return keyWarnings(loadConfig(file).cluster.key_file);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
}

function loadWords({ busy, lends, why, cpuPercent }: HostStatus): string {
  if (busy) return `${lends ? "busy with its jobs" : "busy"}: ${why}`;
  return lends ? `free: cpu ${Math.round(cpuPercent)} %` : `free for its own programs; lends nothing: ${why}`;
}

/** What is judged beside its threshold, then what is only measured. */
function indicesWords({ indices, thresholds }: HostStatus): string {
  const judged = indexNames.flatMap((name) => {
    const [value, threshold] = [indices[name], thresholds[name]];
    if (value === null) return [];
    const of = threshold === null ? "" : ` of ${Math.round(threshold)}`;
    return [`${name} ${Math.round(value)}${of} ${indexUnits[name]}`];
  });
  const { ioPressure, memoryPressure, availableMb, totalMb } = indices;
  if (ioPressure !== null) judged.push(`waiting for disks ${Math.round(ioPressure)} %`);
  if (memoryPressure !== null) judged.push(`for memory ${Math.round(memoryPressure)} %`);
  if (availableMb !== null)
    judged.push(
      `${Math.round(availableMb)}${totalMb === null ? "" : ` of ${Math.round(totalMb)}`} MiB available`,
    );
  return judged.join(", ") || "not measured yet";
}

/** Lines for people. */
export function statusText(status: HostStatus): string {
  const counted = Object.entries(status.counters).filter(([, count]) => count > 0);
  const rejected = counted.filter(([name]) => name.startsWith("rejected "));
  const counters = counted.filter(([name]) => !name.startsWith("rejected "));
  const leader = status.leader === "" ? "unknown" : status.leader;
  return pairs([
    ["host", `${status.host}, cluster ${status.cluster}`],
    ["pantsd", `${status.version}, pid ${status.pid}, up ${span(status.uptimeS * 1000)}`],
    ["load", loadWords(status)],
    ["indices", indicesWords(status)],
    ["measured", `${status.world}, by policy ${status.policy}`],
    ["slots", `${status.slotsTaken} of ${status.slotsTotal} taken`],
    ["role", `${status.role}; leader ${leader}, epoch ${status.epoch}`],
    ["leases", `${status.leasesHeld} held`],
    ["network", status.network || "none"],
    ...rejected.map(([name, count], index) => rejectedRow(name, count, index)),
    ["counters", counters.map(([name, count]) => `${name} ${count}`).join(", ") || "all 0"],
  ]);
}

function rejectedRow(counter: string, count: number, index: number): [label: string, value: string] {
  const name = counter.slice(counter.indexOf(" ") + 1);
  const words = rejectionWords[name];
  return [index === 0 ? "rejected" : "", words ? `${count} by ${name}: ${words}` : `${count} by ${name}`];
}

/** Shows this host. */
export async function status(options: { json?: boolean | undefined }): Promise<void> {
  let warnings = setupWarnings();
  try {
    const { status: host } = await ask({ t: "status", id: 1 }, "status");
    // pantsd's own words on the key file say more.
    warnings = warnings.filter((warning) => !host.warnings.some((other) => other.startsWith(warning)));
    warnings.push(...host.warnings);
    if (options.json) printJson({ ...host, warnings });
    else print(statusText(host));
  } finally {
    if (!options.json) {
      for (const warning of warnings) process.stderr.write(`pants: warning: ${clean(warning)}\n`);
    }
  }
}
