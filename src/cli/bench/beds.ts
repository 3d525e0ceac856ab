/** The hosts of one run: fresh ones in a lab, or those of the cluster. Commands start on the first, which is home. */
import { setTimeout as sleep } from "node:timers/promises";
import { diskTrouble } from "../../lab/cgroup.js";
import type { Result } from "../../lab/command.js";
import { Lab } from "../../lab/lab.js";
import { missingRights } from "../../lab/rights.js";
import { until } from "../../lab/wait.js";
import { prex } from "../demo/build.js";
import { ready } from "../demo/ready.js";
import { curve, labLoad } from "./curves.js";
import { Unavailable } from "./experiment.js";
import { watchOthers } from "./others.js";
import type { Curve } from "./records.js";
import { shim } from "./shim.js";

export interface Bed {
  readonly hosts: readonly string[];
  /** Of the first, as uname has it. */
  readonly nodename: string;
  readonly policy: string;
  /** CPUs that each host may use; 0: not known, or not the same for all. */
  readonly cpus: number;
  /** The disk of each, in words; empty where it is what it is. */
  readonly disk: string;
  /** Runs a command at home to its end; with PANTS only LD_PRELOAD is different. */
  run(argv: readonly string[], pants: boolean, env: Readonly<Record<string, string>>): Promise<Result>;
  /** Call the answer at the end of a run: CPUs that other programs kept busy meanwhile; undefined: not known. */
  watchOthers(): () => number | undefined;
  /** Runs a command on every host that has a disk of its own. @throws when it fails on one. */
  everywhere(argv: readonly string[], env: Readonly<Record<string, string>>): Promise<void>;
  /** The load of all hosts between two moments, seen from a third, all ms since 1970. Waits until it is on record. */
  curves(fromMs: number, untilMs: number, zeroMs: number): Promise<readonly Curve[]>;
  close(): Promise<void>;
}

export interface LabBedOptions {
  readonly hosts: number;
  readonly cpus: number;
  readonly diskMbS: number;
  /** Of each host. */
  readonly slots: number;
  readonly policy: string;
}

/** @throws {Unavailable} where no lab of namespaces can be had */
export async function labBed({ hosts, cpus, diskMbS, slots, policy }: LabBedOptions): Promise<Bed> {
  const missing = missingRights(cpus);
  if (missing.length > 0) throw new Unavailable(`no hosts in namespaces: ${missing.join("; ")}`);
  const preload = shim();
  const settings = { load: { policy }, slots: { total: slots } };
  const shared = diskTrouble();
  const lab = await Lab.up({ hosts, cpus, settings, ...(shared === undefined ? { diskMbS } : {}) });
  const [home] = lab.hosts;
  if (!home) throw new Unavailable("a lab without hosts");
  const run: Bed["run"] = (argv, pants, env) =>
    home.run(argv, { env: { ...env, ...(pants ? { LD_PRELOAD: preload } : {}) } });
  try {
    await ready(lab);
    // The helper runs from now on, as it does for whoever uses PANTS every day.
    await home.run([prex, "true"]);
  } catch (error) {
    await lab.down();
    throw error;
  }
  return {
    hosts: lab.hosts.map(({ name }) => name),
    ...{ nodename: home.name, policy, cpus },
    disk: shared === undefined ? `${diskMbS} MiB/s each` : `shared: ${shared}`,
    run,
    watchOthers: () => watchOthers(lab),
    everywhere: async (argv, env) => {
      // They share one file system.
      const { status, stderr } = await run(argv, false, env);
      if (status !== 0) throw new Error(`${argv.join(" ")}: ${stderr}`);
    },
    curves: async (fromMs, untilMs, zeroMs) => {
      await until("the load to be on record", () =>
        lab.hosts.every((host) => (labLoad(host).at(-1)?.timeMs ?? 0) >= untilMs),
      );
      return lab.hosts.map((host) => {
        const during = labLoad(host).filter(({ timeMs, intervalMs }) => timeMs - intervalMs <= untilMs);
        return curve(host.name, during, fromMs, zeroMs);
      });
    },
    close: () => lab.down(),
  };
}

/** Leaves the hosts alone, so that their indices come to what they are at rest (paper, 3.2). */
export const rest = (seconds: number): Promise<void> => sleep(seconds * 1000);
