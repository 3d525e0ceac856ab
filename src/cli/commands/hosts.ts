/** pants hosts: the cluster as its leader sees it. */
import type { HostRow } from "../../wire/control.js";
import { ask } from "./status.js";
import { print, printJson } from "./support.js";
import { span, table } from "./table.js";

/** Rows for people. */
export function hostsTable(hosts: readonly HostRow[]): string {
  return table(
    ["HOST", "ADDRESS", "STATE", ">FREE", ">SLOTS", ">CPU", "RUNS", ">HEARD", "NOTE"],
    hosts.map((host) => [
      host.host,
      host.address,
      host.state,
      String(host.slotsFree),
      String(host.slotsTotal),
      `${Math.round(host.cpuPercent)} %`,
      host.compat,
      span(host.ageMs),
      host.note,
    ]),
  );
}

/** Shows all hosts. */
export async function hosts(options: { json?: boolean | undefined }): Promise<void> {
  const reply = await ask({ t: "hosts", id: 1 }, "hosts");
  if (options.json) {
    printJson({ leader: reply.leader, hosts: reply.hosts });
    return;
  }
  print(reply.leader === "" ? "No leader is known." : `Leader: ${reply.leader}`);
  print(reply.hosts.length > 0 ? hostsTable(reply.hosts) : "No host has offered slots.");
}
