/** Waiting until a lab's daemons have found each other. */
import { join } from "node:path";
import { packageRoot } from "../../io/paths.js";
import type { Lab } from "../../lab/lab.js";
import { until } from "../../lab/wait.js";

/** Hosts that the leader of this host's cluster knows, or undefined while there is no leader. */
export async function knownHosts(lab: Lab, home: string): Promise<string[] | undefined> {
  const pants = join(packageRoot, "bin", "pants");
  const { status, stdout } = await lab.host(home).run([pants, "hosts", "--json"], { timeoutMs: 5000 });
  if (status !== 0) return undefined;
  const answer = JSON.parse(stdout) as { leader: string; hosts: { host: string }[] };
  return answer.leader === "" ? undefined : answer.hosts.map(({ host }) => host);
}

/** Waits until the first host hears of a leader that knows all hosts which are free. */
export async function ready(lab: Lab): Promise<void> {
  const home = lab.hosts[0]?.name ?? "";
  await until(
    "the hosts to find each other",
    async () => {
      const known = (await knownHosts(lab, home)) ?? [];
      return lab.hosts.every(({ name }) => known.includes(name));
    },
    { ms: 30_000, every: 250 },
  );
}
