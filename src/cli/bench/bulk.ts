/** A gigabyte through a program on another host, beside the same through ssh. */
import { join } from "node:path";
import { packageRoot } from "../../io/paths.js";
import { LabError } from "../../lab/command.js";
import type { Host } from "../../lab/host.js";
import { Lab } from "../../lab/lab.js";
import { time } from "./probe.js";
import type { Section } from "./section.js";
import { markdown, withProbe } from "./section.js";

export interface BulkPlan {
  /** Bytes that go through in each run, even. */
  readonly size: number;
  readonly rounds: number;
  /** Rows whose name has these words. */
  readonly only: string;
}

const { env } = process;
const usual: BulkPlan = {
  size: Number(env["BULK_MB"] ?? 1024) * 2 ** 20,
  rounds: Number(env["BULK_ROUNDS"] ?? 3),
  only: env["BULK_ONLY"] ?? "",
};
type Ways = readonly [prex: string, ssh: string];
const [FROM, TO] = ["/var/tmp/from", "/var/tmp/to"];
const BESIDE = 8;

/** What is run by a shell on n1; $X is the way to n2, $N the size. Each prints the number of bytes that arrived. */
const WAYS: readonly (readonly [string, string])[] = [
  ["stdin, a pipe", "head -c $N /dev/zero | $X wc -c"],
  ["stdin, a file", `$X wc -c <${FROM}`],
  ["stdout, a pipe", "$X head -c $N /dev/zero | wc -c"],
  ["stdout, a file", `$X head -c $N /dev/zero >${TO}; stat -c %s ${TO}; rm ${TO}`],
  ["`cat`, pipes", "head -c $N /dev/zero | $X cat | wc -c"],
  ["`cat`, files", `$X cat <${FROM} >${TO}; stat -c %s ${TO}; rm ${TO}`],
];
/** What networks between hosts carry, Mbit/s: there ssh is not bound by the processors that all share here. */
const SPEEDS = [1000, 2500, 5000] as const;
const pipes = WAYS.filter(([name]) => name.includes("pipe"));
const OVER_NETWORKS = SPEEDS.flatMap((mbit) =>
  pipes.map(([name, script]) => ({ mbit, name: `${name}, at ${mbit / 1000} Gbit/s`, script })),
);
/** Both directions at once, each of half the size. */
const TWO =
  "{ head -c $((N/2)) /dev/zero | $X cat | wc -c & $X head -c $((N/2)) /dev/zero | wc -c & wait; }" +
  " | { read a; read b; echo $((a+b)); }";

/** Seconds that a script took. @throws {LabError} when not all bytes arrived */
async function seconds(home: Host, script: string, way: string, size: number): Promise<number> {
  const run = await home.run(["sh", "-c", script], { env: { X: way, N: String(size) }, timeoutMs: 300_000 });
  if (run.status !== 0 || run.stdout.trim() !== String(size))
    throw new LabError(`${script} by ${way}: ${run.stdout.trim()} bytes; ${run.stderr.slice(0, 300)}`);
  return run.ms / 1000;
}

const middle = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** Names the way by ssh, with its connection up: cipher and options are those of a link. */
async function sshWay(lab: Lab): Promise<string> {
  const options = ["Ciphers=^aes128-gcm@openssh.com", "ControlMaster=auto", "ControlPath=/run/control-%h"];
  const words = [...options, "ControlPersist=300"].flatMap((option) => ["-o", option]);
  const ssh = ["ssh", "-F", join(lab.folder, "ssh_config"), ...words, "n2"];
  await lab.host("n1").run([...ssh, "true"]);
  return ssh.join(" ");
}

/** A row: both ways in turn, round by round, so that other load meets both. */
async function row(home: Host, name: string, script: string, ways: Ways, plan: BulkPlan): Promise<string[]> {
  const took: [number[], number[]] = [[], []];
  for (let round = 0; round < plan.rounds; round++)
    for (const [i, way] of ways.entries()) took[i as 0 | 1].push(await seconds(home, script, way, plan.size));
  const rate = (all: readonly number[]): string => (plan.size / 1e6 / middle(all)).toFixed(0);
  console.log(`${name}: ${took.map(rate).join(" ")}`);
  const ratios = took[0].map((prex, i) => (took[1][i] ?? Number.NaN) / prex);
  return [name, rate(took[0]), rate(took[1]), middle(ratios).toFixed(2)];
}

/** The last row: both directions, other jobs and a loop of `true` beside them. */
async function together(home: Host, ways: Ways, plan: BulkPlan): Promise<{ row: string[]; ms: number }> {
  const talk = "while echo; do sleep 0.1; done";
  const others = Array.from({ length: BESIDE }, () =>
    home.start(["sh", "-c", `exec ${ways[0]} sh -c '${talk}' >/run/talk`]),
  );
  try {
    return await withProbe(async (probe) => {
      const prex = [...ways[0].split(" "), "/bin/true"];
      await time(home, probe, prex, 10, 1);
      const medians: number[] = [];
      const loop = { over: false };
      const looped = (async () => {
        while (!loop.over) medians.push((await time(home, probe, prex, 50, 1)).medianUs / 1000);
      })();
      const measured = await row(home, `both at once, ${BESIDE} jobs beside them`, TWO, ways, plan);
      loop.over = true;
      await looped;
      return { row: measured, ms: middle(medians) };
    });
  } finally {
    await Promise.all(others.map((other) => other.kill("SIGKILL").catch(() => undefined)));
  }
}

/** A Markdown table, and the latency of a small job beside the large ones. @throws {LabError} when bytes are lost */
export async function bulkTable(plan: BulkPlan): Promise<string> {
  const privateDirs = { n1: ["/var/tmp"], n2: ["/var/tmp"] };
  const settings = { slots: { total: 32 } };
  const lab = await Lab.up({ hosts: 2, privateDirs, settings });
  try {
    const home = lab.host("n1");
    const ways = [`${join(packageRoot, "bin", "prex")} --on n2`, await sshWay(lab)] as const;
    await home.run(["sh", "-c", `head -c ${plan.size} /dev/zero >${FROM}; ${ways[0]} true`]);
    const rows: string[][] = [];
    for (const [name, script] of WAYS)
      if (name.includes(plan.only)) rows.push(await row(home, name, script, ways, plan));
    let words = "";
    if (plan.only === "" || plan.only === "both") {
      const { row: last, ms } = await together(home, ways, plan);
      rows.push(last);
      words = `\n\nBeside the transfers of both at once the median of a \`true\` by prex was ${ms.toFixed(1)} ms.`;
    }
    for (const { mbit, name, script } of OVER_NETWORKS.filter((one) => one.name.includes(plan.only))) {
      home.speed(mbit);
      rows.push(await row(home, name, script, ways, plan));
    }
    const heading = ["MB/s", "prex", "ssh", "prex ÷ ssh"];
    const size = `${(plan.size / 2 ** 20).toFixed(0)} MiB from n1 to n2, from there, or both ways; `;
    const how = `ssh with the same cipher and its connection up. Both in turn, ${plan.rounds} times; medians.`;
    return `${size}${how}\n\n${markdown(heading, rows)}${words}`;
  } finally {
    await lab.down();
  }
}

export const bulk: Section = {
  name: "bulk",
  title: "A gigabyte through a program elsewhere",
  run: () => bulkTable(usual),
};
