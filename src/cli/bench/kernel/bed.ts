/** Runs a build on a fresh lab in one of the ways. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { NEVER } from "../../../io/mark.js";
import type { Host } from "../../../lab/host.js";
import { Lab } from "../../../lab/lab.js";
import { until } from "../../../lab/wait.js";
import { libprex, prex } from "../../demo/build.js";
import { ready } from "../../demo/ready.js";
import { ANYWHERE, copyCompiler, copyTool } from "../../demo/toolchain.js";
import { labCurves } from "../curves.js";
import { type Outcome, type Settings, Unavailable } from "../experiment.js";
import { countDetail, cpuDetail, round } from "../lab-runs.js";
import { missingFor, pathOf, type Typed } from "../peers/peer.js";
import { cpuSeconds } from "../resident.js";
import { kernel as kernelProject, type Project, small } from "./project.js";
import { cacheFolder } from "./source.js";
import type { Variant } from "./variants.js";
import { DecisionWatch } from "./whereabouts.js";

export const JOBS = 8;
/** Of so many programs that PANTS decided about, when a host is killed: about a third of a tinyconfig's. */
const TROUBLE_AFTER = 200;
const TROUBLE_AFTER_SMALL = 4;

export const OPTIONS = {
  config: "tinyconfig (default) or defconfig",
  targets: "what make is asked for (default vmlinux), words apart by +",
  also: "programs marked beside gcc, as nm+ld (default none)",
  jobs: `make -jN (default ${JOBS})`,
};

/** The number of the newest process of a host, which has numbers of its own: so many were started before it. */
async function lastPid(host: Host): Promise<number> {
  return Number((await host.run(["sh", "-c", "echo $$"])).stdout);
}

/** Waits until PANTS is up as the other tools are, whose daemons run before the build: the hosts know each other, prexd its links. */
async function warm(hosts: readonly Host[]): Promise<void> {
  await ready({ hosts });
  const [home, ...others] = hosts;
  if (home) await Promise.all(others.map(({ name }) => home.run([prex, "--on", name, "true"])));
}

/** CPU time of a host's pantsd so far, s; 0 where none runs. */
function daemonSeconds(host: Host): number {
  const pid = host.daemon;
  return pid === undefined ? 0 : cpuSeconds(pid);
}

/** Of what a tool says on stderr, characters kept on record. */
const SAID_MAX = 300;

export interface Size {
  readonly hosts: number;
  /** CPUs of each. */
  readonly cpus: number;
  /** `make -jN`; default: as many as were asked for. */
  readonly jobs?: number;
}

/** One run at a time. */
export class Bed {
  readonly #settings: Settings;
  readonly #project: Project;
  readonly #folder: string;
  /** SHA-256 of the first image. */
  #image: string | undefined;
  #lab: Lab | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
    const { small: isSmall, options } = settings;
    const jobs = Number(options["jobs"] ?? JOBS);
    const config = options["config"] === "defconfig" ? "defconfig" : "tinyconfig";
    const targets = (options["targets"] ?? "vmlinux").split("+");
    this.#project = isSmall ? small(jobs) : kernelProject(config, jobs, targets);
    // Links lead from it to the unpacked source, so both are on one file system.
    this.#folder = isSmall ? join(settings.folder, "kernel") : join(cacheFolder(), `tree-${process.pid}`);
  }

  async prepare(): Promise<void> {
    const missing = this.#project.missing();
    if (missing.length > 0) throw new Unavailable(`not installed: apt-get install ${missing.join(" ")}`);
    await this.#project.prepare();
  }

  async run(variant: Variant, size: Size): Promise<Outcome> {
    const { pants, peer, alone = false, trouble = false } = variant;
    const missing = peer ? missingFor(peer) : [];
    if (missing.length > 0) throw new Unavailable(`not installed: apt-get install ${missing.join(" ")}`);
    const { cpus } = size;
    const hosts = alone ? 1 : size.hosts;
    const tree = join(this.#folder, "tree");
    const mark = pants?.never === true ? NEVER : ANYWHERE;
    const compiler = copyCompiler(join(this.#folder, "toolchain"), mark);
    for (const name of this.#settings.options["also"]?.split("+") ?? []) copyTool(name, compiler, mark);
    await this.#project.fresh(tree);
    const lab = await Lab.up({
      hosts: trouble ? hosts + 1 : hosts,
      cpus,
      daemons: false,
      settings: pants ? { load: { policy: pants.policy } } : {},
    });
    this.#lab = lab;
    try {
      const taking = lab.hosts.slice(0, hosts);
      if (pants) await Promise.all(taking.map((host) => host.startDaemon()));
      if (pants) await warm(taking);
      const typed: Typed = peer
        ? await peer.setUp({ lab, compiler, cpus })
        : { before: [], env: { PATH: pathOf(compiler), LD_PRELOAD: pants ? libprex : undefined } };
      return await this.#build(lab, variant, typed, tree, hosts, size);
    } finally {
      await this.remove();
    }
  }

  async #build(
    lab: Lab,
    { pants, peer, trouble = false }: Variant,
    { before, after = [], env }: Typed,
    tree: string,
    hosts: number,
    { cpus, jobs }: Size,
  ): Promise<Outcome> {
    const [home] = lab.hosts;
    if (!home) throw new Error("a build needs a host");
    const pid = await lastPid(home);
    const daemonBefore = daemonSeconds(home);
    const used = lab.hosts.map((host) => host.cpuSeconds());
    const watch = pants ? new DecisionWatch(home, "/bin/gcc") : undefined;
    const startedMs = Date.now();
    const running = home.start([...before, ...this.#project.make, ...(jobs ? [`-j${jobs}`] : []), ...after], {
      cwd: tree,
      env: { ...this.#project.env, ...env },
    });
    const said = trouble && watch ? await this.#trouble(lab, watch, running.done) : {};
    const result = await running.done;
    const seconds = result.ms / 1000;
    const went = watch?.stop();
    // Of the shell that asks, too.
    const processes = (await lastPid(home)) - pid - 1;
    const daemon = pants ? { "cpu s, pantsd": round(daemonSeconds(home) - daemonBefore) } : {};
    if (result.status !== 0) {
      const how = result.signal ?? `status ${String(result.status)}`;
      throw new Error(`make ended with ${how}: ${result.stderr.split("\n").slice(-8).join("\n")}`);
    }
    const image = this.#project.image(tree);
    if (image === undefined) throw new Error("make made nothing that could be compared");
    this.#image ??= image;
    const cpu = cpuDetail(lab.hosts, used);
    const atHome = [...(went?.home ?? [])].map(([why, count]) => `${count}: ${why}`).join("; ");
    return {
      ...{ seconds, startedMs, hosts, cpus, policy: pants?.policy ?? "" },
      outputsEqual: image === this.#image,
      detail: {
        ...{ what: this.#project.what, image: image.slice(0, 16), "processes at home": processes, ...daemon },
        ...cpu,
        ...countDetail("gcc", went?.byHost),
        ...(atHome === "" ? {} : { "at home": atHome }),
        ...(peer && result.stderr !== "" ? { said: result.stderr.trim().slice(0, SAID_MAX) } : {}),
        ...said,
      },
      load: pants ? labCurves({ hosts: lab.hosts.slice(0, hosts) }, startedMs) : [],
    };
  }

  /** Kills the second host in mid-build, and has another join a moment later. */
  async #trouble(lab: Lab, watch: DecisionWatch, done: Promise<unknown>): Promise<Record<string, number>> {
    const after = this.#settings.small ? TROUBLE_AFTER_SMALL : TROUBLE_AFTER;
    const began = performance.now();
    let over = false;
    void done.finally(() => {
      over = true;
    });
    await until("the middle of the build", () => over || watch.count >= after, { ms: 3_600_000, every: 50 });
    const killedMs = performance.now() - began;
    await lab.hosts[1]?.kill();
    await lab.hosts.at(-1)?.startDaemon();
    return { "killed after s": round(killedMs / 1000) };
  }

  async remove(): Promise<void> {
    const lab = this.#lab;
    this.#lab = undefined;
    await lab?.down();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
