/** A micro benchmark: a parent starts some marked children at a fixed interval, and PANTS may run them elsewhere (paper, 3.2). */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Bed, labBed, rest } from "../beds.js";
import { type ClusterBedOptions, clusterBed, clusterHosts } from "../cluster-bed.js";
import type { Experiment, Outcome, Settings } from "../experiment.js";
import { OTHERS } from "../others.js";
import { type Amount, type Kind, kinds } from "./kinds.js";
import { detailOf, readLog } from "./log.js";
import { compile } from "./programs.js";

const NO_PANTS = "no PANTS";
/** On a cluster whose policy is left as it is. */
const AS_IT_IS = "PANTS";

interface Options extends Amount {
  /** Between the starts of two children, s. */
  readonly interval: number;
  /** Before the first one, s. */
  readonly rest: number;
  /** Of each host of a lab. */
  readonly diskMbS: number;
}

const DEFAULTS = { children: 4, interval: 10, rest: 10, work: 1, disk: 16 } as const;
/** Far enough apart, and long enough, that a policy has seen the first child at work when the second one starts. */
const SMALL = { children: 2, interval: 2.5, rest: 2, work: 0.07, disk: 16 } as const;

function optionsOf({ options, small }: Settings): Options {
  const value = (name: keyof typeof DEFAULTS): number => {
    const given = Number(options[name] ?? (small ? SMALL : DEFAULTS)[name]);
    if (!(given > 0)) throw new Error(`--set ${name}=${options[name] ?? ""}: a number above 0`);
    return given;
  };
  return {
    children: Math.max(1, Math.round(value("children"))),
    ...{ interval: value("interval"), rest: value("rest"), work: value("work"), diskMbS: value("disk") },
  };
}

class Micro implements Experiment {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly options = {
    children: `how many the parent starts (${DEFAULTS.children})`,
    interval: `seconds between them (${DEFAULTS.interval}; the paper: 300)`,
    rest: `seconds of rest before (${DEFAULTS.rest})`,
    work: `of each child, in parts of its whole (${DEFAULTS.work})`,
    disk: `MiB/s of each lab host's disk, reading and writing each (${DEFAULTS.disk})`,
  };
  readonly #kind: Kind;
  #settings: Settings | undefined;
  #programs = { parent: "", child: "" };
  #bed: Bed | undefined;
  /** Torn down: a bed that comes up after that goes down at once. */
  #over = false;

  constructor(kind: Kind) {
    this.#kind = kind;
    this.name = `micro-${kind.name}`;
    this.title = kind.title;
    this.about = kind.about;
  }

  variants({ place, policies }: Settings): readonly string[] {
    return [NO_PANTS, ...(place === "cluster" && policies.length === 0 ? [AS_IT_IS] : policies)];
  }

  async setUp(settings: Settings): Promise<void> {
    // The same hosts in all runs, whoever is busy as one begins.
    const { place, hosts } = settings;
    const asked = typeof hosts === "number" ? [] : hosts;
    this.#settings = place === "lab" ? settings : { ...settings, hosts: await clusterHosts(asked) };
    this.#over = false;
    this.#programs = compile(join(settings.folder, "bin"), this.#kind.name);
  }

  async run(variant: string): Promise<Outcome> {
    const settings = this.#settings;
    if (!settings) throw new Error("not set up");
    const options = optionsOf(settings);
    const bed = await this.#open(settings, options, variant);
    try {
      return await this.#measure(bed, settings, options, variant);
    } finally {
      await bed.close();
      this.#bed = undefined;
    }
  }

  async tearDown(): Promise<void> {
    this.#over = true;
    await this.#bed?.close();
    const settings = this.#settings;
    if (settings?.place !== "cluster" || !this.#kind.make) return;
    const bed = await clusterBed(clusterOptions(settings, undefined));
    await bed.everywhere(["rm", "-rf", scratchOf(settings)], {});
  }

  async #open(settings: Settings, { diskMbS, children }: Options, variant: string): Promise<Bed> {
    const { place, hosts, cpus = 0.5 } = settings;
    const named = variant === NO_PANTS || variant === AS_IT_IS ? undefined : variant;
    // As many slots as children, so that the policy alone decides: the paper has no slots.
    const lab = { hosts: Number(hosts), cpus, diskMbS, slots: children, policy: named ?? "cpu" };
    const bed = await (place === "lab" ? labBed(lab) : clusterBed(clusterOptions(settings, named)));
    this.#bed = bed;
    if (!this.#over) return bed;
    await bed.close();
    throw new Error("torn down");
  }

  async #measure(bed: Bed, settings: Settings, options: Options, variant: string): Promise<Outcome> {
    const { parent, child } = this.#programs;
    const env = { MICRO_SCRATCH: scratchOf(settings) };
    mkdirSync(env.MICRO_SCRATCH, { recursive: true });
    const make = this.#kind.make?.(options);
    if (make) await bed.everywhere([child, ...make], env);
    const folder = mkdtempSync(join(settings.folder, "run-"));
    const restedMs = Date.now();
    await rest(options.rest);
    const others = bed.watchOthers();
    const command = [parent, String(options.children), String(options.interval), folder, child];
    const ran = await bed.run([...command, ...this.#kind.child(options)], variant !== NO_PANTS, env);
    if (ran.status !== 0) throw new Error(`children failed: ${ran.stderr.trim() || (ran.signal ?? "")}`);
    const othersCpus = others();
    const log = readLog(folder);
    rmSync(folder, { recursive: true, force: true });
    const { beganMs, seconds } = log;
    const [hosts, policy] = [bed.hosts.length, variant === NO_PANTS ? "" : bed.policy];
    const load = await bed.curves(restedMs, beganMs + seconds * 1000, beganMs);
    const forget = this.#kind.forget?.(options);
    if (forget) await bed.everywhere([child, ...forget], env);
    const { interval, work } = options;
    const detail = {
      ...detailOf(log, bed.nodename),
      interval,
      work,
      disk: bed.disk,
      ...(othersCpus === undefined ? {} : { [OTHERS]: othersCpus }),
    };
    return { seconds, startedMs: beganMs, hosts, cpus: bed.cpus, policy, detail, load };
  }
}

const clusterOptions = ({ hosts }: Settings, policy: string | undefined): ClusterBedOptions => ({
  hosts: typeof hosts === "number" ? [] : hosts,
  policy,
  say: (line) => console.log(`    ${line}`),
});

/** What hosts keep for children: each on a disk of its own in a cluster, below the work folder in a lab. */
const scratchOf = ({ place, folder }: Settings): string =>
  place === "lab" ? join(folder, "scratch") : `/var/tmp/pants-micro-${process.getuid?.() ?? 0}`;

export const micros: readonly Experiment[] = kinds.map((kind) => new Micro(kind));
