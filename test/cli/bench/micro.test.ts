/** The micro benchmarks: each program alone, then the whole way from `pants bench` to its report, small, on real hosts. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kinds } from "../../../src/cli/bench/micro/kinds.js";
import { readLog } from "../../../src/cli/bench/micro/log.js";
import { compile } from "../../../src/cli/bench/micro/programs.js";
import { Records, type RunRecord } from "../../../src/cli/bench/records.js";
import { ready } from "../../../src/cli/demo/ready.js";
import { readMark } from "../../../src/io/mark.js";
import { Lab } from "../../../src/lab/lab.js";
import { missingRights } from "../../../src/lab/rights.js";
import { until } from "../../../src/lab/wait.js";
import { ownLabs } from "../../lab/traces.js";
import { command, root, run, temporary } from "../support.js";
import { record, wellFormed } from "./support.js";

const missing = missingRights(0.5);
if (missing.length > 0) console.warn(`pants bench in a lab is not tested: ${missing.join("; ")}`);

/** tmpfs is no disk. */
const onDisk = statfsSync(tmpdir()).type !== 0x01021994;

const recordsIn = (folder: string): RunRecord[] =>
  JSON.parse(readFileSync(join(folder, "runs.json"), "utf8")) as RunRecord[];

/**
 * `--set` by which a child computes for 5 s on half a core of this machine: it is at work when the next one starts, and has
 * been seen to be by every policy.
 */
function longEnough(): string[] {
  const folder = temporary();
  const { child } = compile(folder, "cpu");
  // The fastest of three: the machine may be slower just now than when it matters.
  const times = [1, 2, 3].map(() => (JSON.parse(run(child, ["200", "1"]).stdout) as { cpu: number }).cpu);
  return ["--set", `work=${((2.5 * 200) / Math.min(...times) / 100_000).toFixed(4)}`];
}

describe("the programs", () => {
  it.each(kinds.map((kind) => [kind.name, kind] as const))(
    "%s: children start at their interval, do their work and say how fast they were",
    (name, kind) => {
      const folder = temporary();
      const amount = { work: 0.002, children: 2 };
      const env = { MICRO_SCRATCH: join(folder, "scratch") };
      const { parent, child } = compile(join(folder, "bin"), name);
      expect(readMark(child).mark).not.toBe(0);
      expect(readMark(parent).mark).toBe(0);
      if (kind.make)
        expect(run(child, kind.make(amount), env)).toEqual({ status: 0, stdout: "", stderr: "" });
      const into = mkdtempSync(join(folder, "run-"));
      const ran = run(parent, ["2", "0.1", into, child, ...kind.child(amount)], env);
      expect(ran).toEqual({ status: 0, stdout: "", stderr: "" });
      const log = readLog(into);
      expect(log.children.map((one) => one.child)).toEqual([1, 2]);
      const [first, second] = log.children;
      expect((second?.start ?? 0) - (first?.start ?? 0)).toBeGreaterThanOrEqual(0.099);
      for (const one of log.children) {
        expect(one.rate).toBeGreaterThan(0);
        expect(one.end).toBeLessThanOrEqual(log.seconds);
        // A megabyte ten times: each time from the disk, and not from the page cache.
        if (name === "memory" && onDisk) expect(one.diskMb).toBeGreaterThanOrEqual(10);
      }
    },
  );

  it("a child that fails makes the parent fail, and the log says which", () => {
    const folder = temporary();
    const { parent } = compile(join(folder, "bin"), "cpu");
    expect(run(parent, ["2", "0.01", folder, "/bin/sh", "-c", 'exit "$0"']).status).toBe(1);
    expect(readFileSync(join(folder, "log"), "utf8")).toMatch(/"event":"end","child":2,"status":512/);
  });
});

describe.skipIf(missing.length > 0)("pants bench", () => {
  it("runs in a lab, reports, and keeps results of other hosts apart", () => {
    const out = temporary();
    const where = ["--lab", "2", "--out", out];
    const args = ["bench", "micro-cpu", "--small", ...longEnough(), "--policies", "adaptive", ...where];
    const ran = command("pants", args);
    expect(ran).toMatchObject({ status: 0, stderr: "" });
    expect(ran.stdout).toMatch(/micro-cpu no PANTS, run 1: \d+\.\d\d s; 1 left, about /);
    const [plain, adaptive] = recordsIn(out);
    expect(plain).toMatchObject({ variant: "no PANTS", ok: true, hosts: 2, cpus: 0.5, policy: "" });
    expect(plain?.detail).toMatchObject({ children: 2, elsewhere: 0, child1_host: "n1", child2_host: "n1" });
    // The second child finds n1 busy with the first.
    expect(adaptive?.detail).toMatchObject({
      elsewhere: 1,
      child1_host: "n1",
      child2_host: "n2",
      unit: "Mflop",
    });
    expect(adaptive?.detail["others_cpus"]).toBeTypeOf("number");
    for (const { host, t, indices } of adaptive?.load ?? []) {
      expect(Math.max(...(indices.cpu ?? []).map(Number)), host).toBeGreaterThan(60);
      expect(t[0]).toBeLessThan(0); // the rest before
      expect(t.at(-1)).toBeGreaterThan((adaptive?.seconds ?? 0) - 1.5);
    }
    const csv = readFileSync(join(out, "load.csv"), "utf8").trim().split("\n");
    expect(csv[0]).toBe("experiment,variant,run,t,host,index,value");
    expect(
      csv.filter((line) => /^micro-cpu,adaptive,1,[-\d.]+,n2,cpu,[\d.]+$/.test(line)).length,
    ).toBeGreaterThan(2);
    for (const name of ["summary", "micro-cpu-times", "micro-cpu-children", "micro-cpu-load-cpu"]) {
      wellFormed(readFileSync(join(out, "figures", `${name}.svg`), "utf8"));
      expect(
        readFileSync(join(out, "figures", `${name}.png`))
          .subarray(1, 4)
          .toString(),
      ).toBe("PNG");
    }
    expect(readFileSync(join(out, "report.html"), "utf8")).toContain("its figures mean nothing");
    expect(command("pants", ["bench", "micro-cpu", "--small", "--lab", "3", "--out", out])).toMatchObject({
      status: 1,
    });
  });

  it("goes down with all that it started when it is told to stop", async () => {
    const out = temporary();
    const args = ["bench", "micro-intr", "--small", "--lab", "2", "--policies", "cpu", "--out", out];
    const bench = spawn(join(root, "bin", "pants"), args, { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    bench.stderr.on("data", (text: Buffer) => (said += text.toString()));
    const ended = new Promise((resolve) => bench.once("close", resolve));
    await until("its lab", () => ownLabs(bench.pid).length > 0, { ms: 30_000 });
    bench.kill("SIGTERM");
    expect(await ended).toBe(1);
    expect(said).toContain(`SIGTERM: stopped; what was measured is on record in ${out}`);
    await until("its lab to be gone", () => ownLabs(bench.pid).length === 0, { ms: 20_000 });
  });
});

describe.skipIf(missing.length > 0)("pants bench on the cluster that it finds", () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up({ hosts: 2, cpus: 0.5, settings: { slots: { total: 2 }, load: { policy: "multi" } } });
    await ready(lab);
  });
  afterAll(() => lab.down());

  it("sets policies and sets them back, and has the load of all hosts", async () => {
    const out = temporary();
    // As after a bench that was killed: what is on record is not run again.
    new Records(join(out, "results")).add(record("no PANTS", 1, 9, { experiment: "micro-cpu" }));
    const where = ["--dir", out, "--out", join(out, "results")];
    const argv = ["bench", "micro-cpu", "--small", ...longEnough(), "--policies", "cpu", ...where];
    const ran = await lab.host("n1").run([join(root, "bin", "pants"), ...argv], { cwd: out });
    expect(ran).toMatchObject({ status: 0, stderr: "" });
    expect(ran.stdout).not.toContain("no PANTS");
    const [, cpu] = recordsIn(join(out, "results"));
    expect(cpu).toMatchObject({
      variant: "cpu",
      policy: "cpu",
      ok: true,
      hosts: 2,
      detail: { elsewhere: 1 },
    });
    expect(cpu?.load.map(({ host }) => host)).toEqual(["n1", "n2"]);
    for (const { name, folder } of lab.hosts)
      expect(readFileSync(join(folder, "pants.toml"), "utf8"), name).toContain('policy = "multi"');
  });
});
