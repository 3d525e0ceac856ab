/** Which machine this is, whatever it is called. */
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";

/** Text that stays the same on one machine: its machine id, else its first hardware address. */
export function machineIdText(): string {
  try {
    const id = readFileSync("/etc/machine-id", "latin1").trim();
    if (id !== "") return id;
  } catch {
    // No systemd here.
  }
  const addresses = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  return addresses.find((entry) => !entry.internal)?.mac ?? "unknown";
}
