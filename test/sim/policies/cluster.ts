/** A cluster of simulated hosts at rest, each with a policy, and a user's prexd on each. */
import { Caller, connect, type Kinds } from "../figures/caller.js";
import { bringUp } from "../figures/cluster.js";
import { newTally, type Tally } from "../figures/jobs.js";
import type { SimHost } from "../host.js";
import type { World } from "../world.js";
import { Machine, type PolicyName } from "./machine.js";
import type { HostModel, Work } from "./model.js";

export interface SiteOptions {
  readonly seed: number;
  readonly hosts: readonly HostModel[];
  readonly policy: PolicyName;
  /** Of each host. */
  readonly slots: number;
  /** Idle time before anything begins. */
  readonly restMs: number;
  /** prexds learn what jobs need. */
  readonly kinds?: boolean;
  /** Told of every job that has ended, as its caller is. */
  readonly over?: (work: Work) => void;
}

export interface Site {
  readonly world: World;
  readonly machines: readonly Machine[];
  readonly callers: readonly Caller<Work>[];
  readonly tally: Tally;
}

export function bringUpSite({ seed, hosts, policy, slots, restMs, over, kinds }: SiteOptions): Site {
  const { world, free } = bringUp({ hosts: hosts.length, seed, busyShare: 0, slots });
  const machines = free.map((host, index) => new Machine(world, host, hosts[index] as HostModel, { policy }));
  const byName = new Map(machines.map((machine) => [machine.host.name, machine]));
  const tally = newTally();
  const common = {
    world,
    machines: byName,
    tally,
    byHand: false,
    ...(over && { over }),
    ...(kinds && { kinds: kindsOn(free, hosts) }),
  };
  const callers = machines.map((machine) => new Caller<Work>({ ...common, machine }));
  const byHost = new Map<SimHost, Caller<Work>>(free.map((host, i) => [host, callers[i] as Caller<Work>]));
  connect(world, byHost);
  world.run(restMs);
  return { world, machines, callers, tally };
}

/** What rusage would tell of a job. */
function kindsOn(hosts: readonly SimHost[], models: readonly HostModel[]): Kinds<Work> {
  const speeds = new Map(hosts.map(({ name }, index) => [name, models[index]?.speed ?? 1]));
  return {
    keys: ({ program, shape }) => [`${program} ${shape}`, program],
    use: ({ cpuMs, ioMb, memoryMb }, host, wallMs) => ({
      host,
      cpuMs: cpuMs / (speeds.get(host) ?? 1),
      wallMs,
      ioKb: ioMb * 1024,
      memoryMb,
    }),
  };
}
