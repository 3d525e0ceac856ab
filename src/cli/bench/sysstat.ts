/** What the sysstat package's tools measure over a window that begins now: the load indices, by somebody else. */
import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";
import type { IndexName } from "../../core/indices.js";
import { LabError } from "../../lab/command.js";

const run = promisify(execFile);
const PACKAGES = { sysstat: "sar", "stress-ng": "stress-ng" } as const;

/** Runs a command and gives what it printed: here, or on a host of a lab. */
export type Runner = (argv: readonly string[]) => Promise<string>;

export const here: Runner = async ([command = "", ...args]) =>
  (await run(command, args, { env: { ...process.env, LC_ALL: "C" } })).stdout;

/** Installs what is missing of the tools. @throws {LabError} when that cannot be done. */
export function needTools(): void {
  const absent = () =>
    Object.entries(PACKAGES).flatMap(([name, command]) => {
      try {
        execFileSync("sh", ["-c", `command -v ${command}`], { stdio: "ignore" });
        return [];
      } catch {
        return [name];
      }
    });
  const missing = absent();
  if (missing.length === 0) return;
  const words = missing.join(" ");
  try {
    const install = ["install", "-y", "-qq", "--no-install-recommends", ...missing];
    execFileSync("apt-get", install, {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      stdio: "ignore",
    });
  } catch {
    // What counts is whether it is there now.
  }
  if (absent().length > 0) throw new LabError(`needs ${words}: apt-get install ${words}`);
}

/** An index as a tool saw it, and which. */
export interface Seen {
  readonly tool: string;
  readonly value: number;
}

/** Averages of a window of whole seconds that begins with the call. */
export async function bySysstat(seconds: number, use: Runner = here): Promise<Record<IndexName, Seen>> {
  const json = ["-o", "JSON", String(seconds), "1"];
  const [cpu, interrupts, disks, sar] = await Promise.all([
    use(["mpstat", ...json]),
    use(["mpstat", "-I", "SUM", ...json]),
    use(["iostat", "-d", "-k", "-y", ...json]),
    use(["sar", "-w", "-B", "-W", "-n", "DEV", String(seconds), "1"]),
  ]);
  const load = first(cpu, "cpu-load");
  const kept = ["usr", "nice", "sys", "irq", "soft", "steal"].map((name) => Number(load[name]));
  const moved = all(disks, "disk").filter(
    (disk) => !/^(?:loop|ram|zram|dm-|md|sr)\d/.test(String(disk["disk_device"])),
  );
  const average = averages(sar);
  const cards = [...average].filter(([key]) => /^(?!lo ).* [rt]xkB\/s$/.test(key));
  const value = (key: string) => average.get(key) ?? Number.NaN;
  return {
    cpu: { tool: "mpstat", value: sum(kept) },
    io: {
      tool: "iostat -d -k",
      value: sum(moved.flatMap((d) => [Number(d["kB_read/s"]), Number(d["kB_wrtn/s"])])),
    },
    ctxt: { tool: "sar -w", value: value("cswch/s") },
    memory: { tool: "sar -B -W", value: value("fault/s") + value("pswpin/s") + value("pswpout/s") },
    intr: { tool: "mpstat -I SUM", value: Number(first(interrupts, "sum-interrupts")["intr"]) },
    net: { tool: "sar -n DEV", value: sum(cards.map(([, rate]) => rate)) },
  };
}

type Row = Readonly<Record<string, unknown>>;

function all(text: string, what: string): readonly Row[] {
  const { sysstat } = JSON.parse(text) as {
    sysstat: { hosts: { statistics: Record<string, Row[] | undefined>[] }[] };
  };
  return sysstat.hosts[0]?.statistics[0]?.[what] ?? [];
}

const first = (text: string, what: string): Row => all(text, what)[0] ?? {};
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** sar's averages by their headings; of an interface behind its name: `eth0 rxkB/s`. */
function averages(text: string): Map<string, number> {
  const found = new Map<string, number>();
  let heading: string[] = [];
  for (const line of text.split("\n")) {
    const [begin, ...words] = line.trim().split(/\s+/);
    if (begin !== "Average:") continue;
    const values = words.map(Number);
    if (!values.slice(1).every(Number.isFinite) || Number.isNaN(values.at(-1))) heading = words;
    else
      for (const [at, name] of heading.entries())
        if (name !== "IFACE")
          found.set(heading[0] === "IFACE" ? `${words[0] ?? ""} ${name}` : name, values[at] ?? Number.NaN);
  }
  return found;
}
