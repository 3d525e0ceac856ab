/** Many short programs: gzip of a small file, thousands of times, with xargs under PANTS beside GNU parallel over ssh. */
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { changeMark } from "../../io/mark.js";
import type { Result } from "../../lab/command.js";
import { Lab } from "../../lab/lab.js";
import { which } from "../../lab/rights.js";
import { libprex } from "../demo/build.js";
import { ready } from "../demo/ready.js";
import { ANYWHERE } from "../demo/toolchain.js";
import { labCurves } from "./curves.js";
import { type Experiment, type Outcome, type Settings, Unavailable } from "./experiment.js";
import { DecisionWatch } from "./kernel/whereabouts.js";
import { pathOf } from "./peers/peer.js";

const FILES = 2000;
const FILES_SMALL = 40;
const FILE_BYTES = 20_000;
const HOSTS = 4;
const CPUS = 0.5;
/** Under way at a time: two for each host. */
const AT_ONCE_EACH = 2;

const HERE = "xargs, no PANTS";
const PANTS = "xargs, PANTS";
const PARALLEL = "GNU parallel --sshlogin";

/** Forced: under GNU parallel a packed file was once found to be there already. */
const XARGS = 'find . -name "f*" ! -name "*.gz" -print0 | xargs -0 -n 1 -P "$1" gzip -kf';
const SHARED =
  'find . -name "f*" ! -name "*.gz" | parallel --will-cite -M --ssh "$2" --sshlogin "$3" --workdir "$PWD" -j "$1" gzip -kf {}';

/** Text that packs as text does: words of a few letters, the same each time. */
function text(file: number): string {
  let [seed, out] = [file + 1, ""];
  while (out.length < FILE_BYTES) {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    out += `${(seed % 5000).toString(36)} `;
  }
  return out.slice(0, FILE_BYTES);
}

class Bed {
  readonly #settings: Settings;
  readonly #folder: string;
  #lab: Lab | undefined;
  #made: string | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#folder = join(settings.folder, "batch");
  }

  prepare(): void {
    const { small, options } = this.#settings;
    const files = Number(options["files"] ?? (small ? FILES_SMALL : FILES));
    mkdirSync(join(this.#folder, "files"), { recursive: true });
    mkdirSync(join(this.#folder, "bin"));
    for (let file = 0; file < files; file++)
      writeFileSync(join(this.#folder, "files", `f${file}`), text(file));
    const copy = join(this.#folder, "bin", "gzip");
    cpSync(realpathSync(which("gzip")), copy);
    changeMark(copy, () => ANYWHERE);
  }

  async run(variant: string): Promise<Outcome> {
    if (variant === PARALLEL && which("parallel") === "")
      throw new Unavailable("not installed: apt-get install parallel");
    const { hosts: asked, cpus = CPUS, policies } = this.#settings;
    const hosts = typeof asked === "number" ? asked : HOSTS;
    const policy = policies.at(-1) ?? "adaptive";
    const pants = variant === PANTS;
    const lab = await Lab.up({ hosts, cpus, daemons: pants, settings: { load: { policy } } });
    this.#lab = lab;
    try {
      if (pants) await ready(lab);
      const [home] = lab.hosts;
      if (!home) throw new Error("a batch needs a host");
      const used = lab.hosts.map((host) => host.cpuSeconds());
      const startedMs = Date.now();
      const watch = pants ? new DecisionWatch(home, "/bin/gzip") : undefined;
      const result = await this.#start(lab, variant);
      const went = watch?.stop();
      if (result.status !== 0) throw new Error(`${variant}: ${result.stderr.slice(-500)}`);
      const cpu = lab.hosts.map((host, i) => [`cpu s, ${host.name}`, host.cpuSeconds() - (used[i] ?? 0)]);
      const programs = [...(went?.byHost ?? [])].map(([name, count]) => [`gzip, ${name}`, count] as const);
      const made = this.#take();
      this.#made ??= made;
      return {
        ...{ seconds: result.ms / 1000, startedMs, hosts, cpus, policy: pants ? policy : "" },
        outputsEqual: made === this.#made,
        detail: Object.fromEntries([...cpu, ...programs]) as Record<string, number>,
        load: pants ? labCurves(lab, startedMs) : [],
      };
    } finally {
      await this.#down();
    }
  }

  #start(lab: Lab, variant: string): Promise<Result> {
    const atOnce = AT_ONCE_EACH * lab.hosts.length;
    const names = lab.hosts.map(({ name }, i) => (i === 0 ? ":" : name)).join(",");
    const argv =
      variant === PARALLEL
        ? ["sh", "-c", SHARED, "sh", AT_ONCE_EACH, `ssh -F ${join(lab.folder, "ssh_config")}`, names]
        : ["sh", "-c", XARGS, "sh", atOnce];
    const env = {
      PATH: pathOf(join(this.#folder, "bin")),
      PARALLEL_HOME: join(lab.folder, "parallel"),
      LD_PRELOAD: variant === PANTS ? libprex : undefined,
    };
    const home = lab.hosts[0];
    if (!home) throw new Error("a batch needs a host");
    return home.run(argv.map(String), { cwd: join(this.#folder, "files"), env });
  }

  /** Takes the packed files away. Returns a hash of them all. */
  #take(): string {
    const folder = join(this.#folder, "files");
    const hash = createHash("sha256");
    for (const name of readdirSync(folder).sort()) {
      if (!name.endsWith(".gz")) continue;
      hash.update(name).update(readFileSync(join(folder, name)));
      rmSync(join(folder, name));
    }
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

export const batch: Experiment = {
  name: "batch",
  title: "Many short programs",
  about: `gzip of ${FILES} files of ${FILE_BYTES / 1000} KB, one program each, ${AT_ONCE_EACH} at a time for each host: xargs without PANTS on one host, xargs with PANTS, and GNU parallel over ssh connections that stay open.`,
  options: { files: `how many (default ${FILES})` },
  variants: () => [HERE, PANTS, PARALLEL],
  setUp: (settings) => {
    if (settings.place !== "lab") throw new Unavailable("the batch is run on a lab only");
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
