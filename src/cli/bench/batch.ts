/** Many short programs: gzip of a small file, thousands of times, with xargs under PANTS beside GNU parallel over ssh. */
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { changeMark } from "../../io/mark.js";
import type { Result } from "../../lab/command.js";
import type { Host } from "../../lab/host.js";
import type { Lab } from "../../lab/lab.js";
import { which } from "../../lab/rights.js";
import { libprex } from "../demo/build.js";
import { ANYWHERE } from "../demo/toolchain.js";
import { type Experiment, type Outcome, type Settings, Unavailable } from "./experiment.js";
import { LabRuns, type Making, onLab } from "./lab-runs.js";
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

class Bed implements Making {
  readonly #settings: Settings;
  readonly #folder: string;
  readonly #runs = new LabRuns();

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
    const policy = variant === PANTS ? (policies.at(-1) ?? "adaptive") : "";
    return this.#runs.run(
      {
        ...{ program: "/bin/gzip", unit: "gzip" },
        start: (lab, home) => this.#start(lab, home, variant),
        made: () => this.#take(),
      },
      { hosts, cpus },
      policy,
    );
  }

  #start(lab: Lab, home: Host, variant: string): Promise<Result> {
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

  async remove(): Promise<void> {
    await this.#runs.down();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export const batch: Experiment = {
  name: "batch",
  title: "Many short programs",
  about: `gzip of ${FILES} files of ${FILE_BYTES / 1000} KB, one program each, ${AT_ONCE_EACH} at a time for each host: xargs without PANTS on one host, xargs with PANTS, and GNU parallel over ssh connections that stay open.`,
  options: { files: `how many (default ${FILES})` },
  variants: () => [HERE, PANTS, PARALLEL],
  ...onLab("the batch is run on a lab only", (settings) => new Bed(settings)),
};
