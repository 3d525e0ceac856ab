/**
 * A build that loads disk and memory, and hardly the CPU: what tells the paper's two policies apart. Hosts have a disk of their
 * own each, made of a limit on this machine's, and as many slots as the build has jobs: the policies alone decide.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { changeMark } from "../../io/mark.js";
import { packageRoot } from "../../io/paths.js";
import { Lab } from "../../lab/lab.js";
import { libprex } from "../demo/build.js";
import { ready } from "../demo/ready.js";
import { ANYWHERE } from "../demo/toolchain.js";
import { labCurves } from "./curves.js";
import { type Experiment, type Outcome, type Settings, Unavailable } from "./experiment.js";
import { DecisionWatch } from "./kernel/whereabouts.js";

const HOSTS = 4;
const CPUS = 0.5;
const DISK_MBS = 8;
const JOBS = 8;
const STEPS = 96;
const STEPS_SMALL = 8;
/** Of each step's input, and of its output. */
const STEP_MB = 4;
const NONE = "no PANTS";

const MAKEFILE = `OUT := $(patsubst %.in,%.out,$(sort $(wildcard *.in)))
all: $(OUT)
%.out: %.in
	./pack $< $@
`;

class Bed {
  readonly #settings: Settings;
  readonly #folder: string;
  #lab: Lab | undefined;
  #made: string | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#folder = join(settings.folder, "loading");
  }

  get #steps(): number {
    return this.#settings.small ? STEPS_SMALL : STEPS;
  }

  prepare(): void {
    mkdirSync(this.#folder, { recursive: true });
    const pack = join(this.#folder, "pack");
    const source = join(packageRoot, "bench", "loading", "pack.c");
    execFileSync("cc", ["-O2", "-o", pack, source], { stdio: "inherit" });
    changeMark(pack, () => ANYWHERE);
    writeFileSync(join(this.#folder, "Makefile"), MAKEFILE);
    for (let step = 0; step < this.#steps; step++)
      writeFileSync(join(this.#folder, `${step}.in`), Buffer.alloc(STEP_MB * 2 ** 20, step + 1));
  }

  async run(variant: string): Promise<Outcome> {
    const { hosts: asked, cpus = CPUS } = this.#settings;
    const hosts = typeof asked === "number" ? asked : HOSTS;
    const pants = variant !== NONE;
    for (let step = 0; step < this.#steps; step++) rmSync(join(this.#folder, `${step}.out`), { force: true });
    const lab = await Lab.up({
      ...{ hosts, cpus, daemons: pants },
      diskMbS: DISK_MBS,
      settings: pants ? { load: { policy: variant }, slots: { total: JOBS } } : {},
    });
    this.#lab = lab;
    try {
      const [home] = lab.hosts;
      if (!home) throw new Error("a build needs a host");
      if (pants) await ready(lab);
      const used = lab.hosts.map((host) => host.cpuSeconds());
      const startedMs = Date.now();
      const watch = pants ? new DecisionWatch(home, "/pack") : undefined;
      const env = { LD_PRELOAD: pants ? libprex : undefined };
      const result = await home.run(["make", `-j${JOBS}`], { cwd: this.#folder, env });
      const went = watch?.stop();
      if (result.status !== 0) throw new Error(`make: ${result.stderr.slice(-500)}`);
      const cpu = lab.hosts.map((host, i) => [`cpu s, ${host.name}`, host.cpuSeconds() - (used[i] ?? 0)]);
      const steps = [...(went?.byHost ?? [])].map(([name, count]) => [`steps, ${name}`, count] as const);
      const made = this.#hash();
      this.#made ??= made;
      return {
        ...{ seconds: result.ms / 1000, startedMs, hosts, cpus, policy: pants ? variant : "" },
        outputsEqual: made === this.#made,
        detail: Object.fromEntries([...cpu, ...steps]) as Record<string, number>,
        load: pants ? labCurves(lab, startedMs) : [],
      };
    } finally {
      await this.#down();
    }
  }

  #hash(): string {
    const hash = createHash("sha256");
    for (let step = 0; step < this.#steps; step++)
      hash.update(readFileSync(join(this.#folder, `${step}.out`)));
    return hash.digest("hex");
  }

  async #down(): Promise<void> {
    const lab = this.#lab;
    this.#lab = undefined;
    await lab?.down();
  }

  async remove(): Promise<void> {
    await this.#down();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

let bed: Bed | undefined;

export const loading: Experiment = {
  name: "loading",
  title: "A build that loads disk and memory, not the CPU",
  about: `make -j${JOBS} of ${STEPS} steps, each of which reads ${STEP_MB} MiB, goes through four times as much memory and writes ${STEP_MB} MiB. Each host has a disk of ${DISK_MBS} MiB/s and ${JOBS} slots, so that the policies alone decide.`,
  options: {},
  variants: ({ policies }) => [NONE, ...policies],
  setUp: (settings) => {
    if (settings.place !== "lab") throw new Unavailable("it is run on a lab only");
    bed = new Bed(settings);
    bed.prepare();
    return Promise.resolve();
  },
  run: (variant) => {
    if (!bed) throw new Error("not set up");
    return bed.run(variant);
  },
  tearDown: async () => {
    await bed?.remove();
    bed = undefined;
  },
};
