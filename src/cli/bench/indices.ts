/** Each load index beside an independent tool, over the same window, under a load of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { IndexName } from "../../core/indices.js";
import { packageRoot } from "../../io/paths.js";
import { Lab } from "../../lab/lab.js";
import { measured } from "./measured.js";
import { markdown, type Section } from "./section.js";
import { bySysstat, needTools, type Runner } from "./sysstat.js";

const SECONDS = 10;
/** A load runs so long before it is measured: stress-ng starts its workers, and files are made. */
const SETTLE_MS = 2000;

interface Load {
  readonly words: string;
  /** What it is about; judged are these. */
  readonly indices: readonly IndexName[];
}

/** Options of stress-ng, which leave some CPU to those who measure. */
export const LOADS: readonly Load[] = [
  { words: "--cpu 1 --cpu-load 60", indices: ["cpu"] },
  { words: "--hdd 1 --hdd-bytes 64M --hdd-opts direct", indices: ["io"] },
  { words: "--switch 1", indices: ["ctxt"] },
  { words: "--fault 1", indices: ["memory"] },
  { words: "--timer 1 --timer-freq 5000", indices: ["intr"] },
  {
    words: "--cpu 1 --cpu-load 30 --hdd 1 --hdd-bytes 64M --fault 1 --switch 1",
    indices: ["cpu", "io", "ctxt", "memory", "intr"],
  },
];

/** About 50 MB a second to the address given. */
const SEND = `use Socket; socket(S, PF_INET, SOCK_DGRAM, 0); my $to = sockaddr_in(9, inet_aton($ARGV[0]));
my $data = "x" x 50000; while (1) { send(S, $data, 0, $to); select(undef, undef, undef, 0.001) }`;

export interface Compared {
  readonly index: IndexName;
  readonly load: string;
  readonly pants: number;
  readonly tool: string;
  readonly value: number;
}

/** The indices of a load on the whole machine, as PANTS and as sysstat have them. */
export async function compared(load: Load, seconds: number): Promise<Compared[]> {
  const folder = mkdtempSync("/tmp/pants-stress-");
  const stress = spawn("stress-ng", ["--quiet", "--temp-path", folder, ...load.words.split(" ")], {
    stdio: "ignore",
  });
  try {
    await sleep(SETTLE_MS);
    const [own, theirs] = await Promise.all([measured(seconds), bySysstat(seconds)]);
    return load.indices.map((index) => row(index, `stress-ng ${load.words}`, own, theirs));
  } finally {
    await end(stress);
    rmSync(folder, { recursive: true, force: true });
  }
}

function row(
  index: IndexName,
  load: string,
  own: Awaited<ReturnType<typeof measured>>,
  theirs: Awaited<ReturnType<typeof bySysstat>>,
): Compared {
  return { index, load, pants: own[index] ?? Number.NaN, ...theirs[index] };
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once("exit", () => resolve()).kill("SIGINT"); // on which stress-ng takes its workers along
  });
}

/** In a network namespace of its own: a host of a lab, whose card nobody else uses. */
async function network(): Promise<Compared> {
  const lab = await Lab.up({ hosts: 2, daemons: false });
  try {
    const host = lab.host("n1");
    const sender = host.start(["perl", "-e", SEND, lab.host("n2").address]);
    await sleep(SETTLE_MS);
    const use: Runner = async (argv) => (await host.run(argv, { env: { LC_ALL: "C" } })).stdout;
    const script = join(packageRoot, "dist", "cli", "bench", "measured.js");
    const [own, theirs] = await Promise.all([
      use([process.execPath, script, String(SECONDS)]),
      bySysstat(SECONDS, use),
    ]);
    await sender.kill("SIGKILL");
    const sample = JSON.parse(own) as Awaited<ReturnType<typeof measured>>;
    return row("net", "UDP from one host of a lab to another", sample, theirs);
  } finally {
    await lab.down();
  }
}

export const differencePercent = ({ pants, value }: Compared): number => (100 * (pants - value)) / value;

async function run(): Promise<string> {
  needTools();
  const rows: Compared[] = [];
  for (const load of LOADS) rows.push(...(await compared(load, SECONDS)));
  rows.push(await network());
  const worst = Math.max(...rows.map((one) => Math.abs(differencePercent(one))));
  const cells = rows.map((one) => [
    one.index,
    one.load,
    short(one.pants),
    one.tool,
    short(one.value),
    `${differencePercent(one).toFixed(1)} %`,
  ]);
  return `The sampler on the whole machine, once a second for ${SECONDS} s, beside sysstat's tools over ${SECONDS} s that begin with it. The largest
difference is ${worst.toFixed(1)} %.

${markdown(["index", "load", "PANTS", "tool", "as it has it", "difference"], cells)}`;
}

const short = (value: number): string => (value < 100 ? value.toFixed(1) : String(Math.round(value)));

export const indices: Section = { name: "indices", title: "Load indices beside sysstat", run };
