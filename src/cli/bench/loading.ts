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
import { libprex } from "../demo/build.js";
import { ANYWHERE } from "../demo/toolchain.js";
import type { Experiment, Outcome, Settings } from "./experiment.js";
import { LabRuns, type Making, onLab } from "./lab-runs.js";

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

class Bed implements Making {
  readonly #settings: Settings;
  readonly #folder: string;
  readonly #steps: number;
  readonly #runs = new LabRuns();

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#folder = join(settings.folder, "loading");
    this.#steps = settings.small ? STEPS_SMALL : STEPS;
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

  run(variant: string): Promise<Outcome> {
    const { hosts: asked, cpus = CPUS } = this.#settings;
    const hosts = typeof asked === "number" ? asked : HOSTS;
    const policy = variant === NONE ? "" : variant;
    for (let step = 0; step < this.#steps; step++) rmSync(join(this.#folder, `${step}.out`), { force: true });
    const env = { LD_PRELOAD: policy === "" ? undefined : libprex };
    return this.#runs.run(
      {
        ...{ program: "/pack", unit: "steps" },
        start: (_lab, home) => home.run(["make", `-j${JOBS}`], { cwd: this.#folder, env }),
        made: () => this.#hash(),
      },
      { hosts, cpus, diskMbS: DISK_MBS, slots: JOBS },
      policy,
    );
  }

  #hash(): string {
    const hash = createHash("sha256");
    for (let step = 0; step < this.#steps; step++)
      hash.update(readFileSync(join(this.#folder, `${step}.out`)));
    return hash.digest("hex");
  }

  async remove(): Promise<void> {
    await this.#runs.down();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export const loading: Experiment = {
  name: "loading",
  title: "A build that loads disk and memory, not the CPU",
  about: `make -j${JOBS} of ${STEPS} steps, each of which reads ${STEP_MB} MiB, goes through four times as much memory and writes ${STEP_MB} MiB. Each host has a disk of ${DISK_MBS} MiB/s and ${JOBS} slots, so that the policies alone decide.`,
  options: {},
  variants: ({ policies }) => [NONE, ...policies],
  ...onLab("it is run on a lab only", (settings) => new Bed(settings)),
};
