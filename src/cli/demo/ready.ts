/** Waiting until a lab's daemons have found each other. */
import type { Host } from "../../lab/host.js";
import type { Lab } from "../../lab/lab.js";
import { until } from "../../lab/wait.js";
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

/** Waits until the first host hears of a leader that knows all of them. */
export async function ready(lab: Pick<Lab, "hosts">): Promise<void> {
  const [home] = lab.hosts;
  await until(
    "the hosts to find each other",
    async () => {
      const known = home ? await knownHosts(home) : [];
      return lab.hosts.every(({ name }) => known.includes(name));
    },
    { ms: 30_000, every: 100 },
  );
}
