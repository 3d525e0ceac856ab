/** Runs of one command on fresh labs, without and with PANTS: what each took, where its programs ran, what it made. */
import type { Result } from "../../lab/command.js";
import type { Host } from "../../lab/host.js";
import { Lab } from "../../lab/lab.js";
import { ready } from "../demo/ready.js";
import { labCurves } from "./curves.js";
import { type Experiment, type Outcome, type Settings, Unavailable } from "./experiment.js";
import { DecisionWatch } from "./kernel/whereabouts.js";

/** What an experiment makes for its runs, and removes. */
export interface Making {
  prepare(): void | Promise<void>;
  run(variant: string): Promise<Outcome>;
  remove(): Promise<void>;
}

/**
 * The part of an experiment that is the same for all that need a lab.
 * @param why - said where there is none
 */
export function onLab(
  why: string,
  make: (settings: Settings) => Making,
): Pick<Experiment, "setUp" | "run" | "tearDown"> {
  let made: Making | undefined;
  return {
    setUp: async (settings) => {
      if (settings.place !== "lab") throw new Unavailable(why);
      made = make(settings);
      await made.prepare();
    },
    run: async (variant) => {
      if (!made) throw new Error("not set up");
      return made.run(variant);
    },
    tearDown: async () => {
      await made?.remove();
      made = undefined;
    },
  };
}

export interface Command {
  /** The marked program's path ends so. */
  readonly program: string;
  /** One of its runs, on record. */
  readonly unit: string;
  start(lab: Lab, home: Host): Promise<Result>;
  /** A hash of what it made. */
  made(): string;
}

export interface Hosts {
  readonly hosts: number;
  readonly cpus: number;
  readonly diskMbS?: number;
  readonly slots?: number;
}

export class LabRuns {
  #lab: Lab | undefined;
  #first: string | undefined;

  /** @param policy - of PANTS; empty: it takes no part */
  async run(command: Command, { hosts, cpus, diskMbS, slots }: Hosts, policy: string): Promise<Outcome> {
    const pants = policy !== "";
    const settings = { load: { policy }, ...(slots === undefined ? {} : { slots: { total: slots } }) };
    const disk = diskMbS === undefined ? {} : { diskMbS };
    const lab = await Lab.up({ hosts, cpus, daemons: pants, ...disk, ...(pants ? { settings } : {}) });
    this.#lab = lab;
    try {
      const [home] = lab.hosts;
      if (!home) throw new Error("a lab without hosts");
      if (pants) await ready(lab);
      const used = lab.hosts.map((host) => host.cpuSeconds());
      const startedMs = Date.now();
      const watch = pants ? new DecisionWatch(home, command.program) : undefined;
      const result = await command.start(lab, home);
      const went = watch?.stop();
      if (result.status !== 0) throw new Error(result.stderr.slice(-500));
      const made = command.made();
      this.#first ??= made;
      return {
        ...{ seconds: result.ms / 1000, startedMs, hosts, cpus, policy },
        outputsEqual: made === this.#first,
        detail: {
          ...cpuDetail(lab.hosts, used),
          ...countDetail(command.unit, went?.byHost),
        },
        load: pants ? labCurves(lab, startedMs) : [],
      };
    } finally {
      await this.down();
    }
  }

  /** Ends the lab of a run that was broken off. */
  async down(): Promise<void> {
    const lab = this.#lab;
    this.#lab = undefined;
    await lab?.down();
  }
}

/** CPU time of each host since `used` was read, s. */
export function cpuDetail(hosts: readonly Host[], used: readonly number[]): Record<string, number> {
  const rows = hosts.map((host, i) => [`cpu s, ${host.name}`, round(host.cpuSeconds() - (used[i] ?? 0))]);
  return Object.fromEntries(rows) as Record<string, number>;
}

/** How many programs ran on each host. */
export function countDetail(unit: string, byHost?: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...(byHost ?? [])].map(([name, count]) => [`${unit}, ${name}`, count]));
}

export const round = (value: number): number => Math.round(value * 100) / 100;
