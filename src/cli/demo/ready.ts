/** Waiting until a lab's daemons have found each other. */
import type { Host } from "../../lab/host.js";
import type { Lab } from "../../lab/lab.js";
import { TimeoutError, until } from "../../lab/wait.js";
import type { HostStatus } from "../../wire/control.js";

/** What a host's pantsd says of itself; undefined while it does not answer. */
export async function statusOf(host: Host): Promise<HostStatus | undefined> {
  const answer = await host.ask("status").catch(() => undefined);
  return answer?.status;
}

/** Hosts that the leader of this host's cluster knows; none while there is no leader or no pantsd. */
export async function knownHosts(host: Host): Promise<string[]> {
  const answer = await host.ask("hosts").catch(() => undefined);
  return answer?.hosts.map((row) => row.host) ?? [];
}

/** Waits until the first host hears of a leader that knows all of them. @throws {TimeoutError} with what each host says */
export async function ready(lab: Pick<Lab, "hosts">): Promise<void> {
  const [home] = lab.hosts;
  let known: string[] = [];
  const together = async (): Promise<boolean> => {
    known = home ? await knownHosts(home) : [];
    return lab.hosts.every(({ name }) => known.includes(name));
  };
  try {
    await until("the hosts to find each other", together, { ms: 30_000, every: 100 });
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    const said = await Promise.all(lab.hosts.map(standing));
    throw new TimeoutError(`${error.message}; known are ${known.join(" ") || "none"}; ${said.join("; ")}`);
  }
}

async function standing(host: Host): Promise<string> {
  const status = await statusOf(host);
  if (status === undefined) return `${host.name} does not answer`;
  const { role, leader, epoch, why, warnings } = status;
  const words = [role, `leader ${leader || "unknown"}`, `epoch ${epoch}`, why, ...warnings];
  return `${host.name}: ${words.filter((word) => word !== "").join(", ")}`;
}
