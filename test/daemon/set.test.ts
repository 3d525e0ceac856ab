/** Policy and thresholds of a running pantsd: by command, by the file, by a file that is wrong. */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { LoadEntry } from "../../src/io/load-record.js";
import { TestCluster, until } from "./hosts.js";

const cluster = new TestCluster();
const host = cluster.host("a");
const pants = join(import.meta.dirname, "..", "..", "bin", "pants");
const run = promisify(execFile);

async function command(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const env = { ...process.env, PANTS_RUNTIME_DIR: host.runtime, PANTS_CONFIG: host.configFile };
  try {
    return { status: 0, ...(await run(pants, args, { env })) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { status: code, stdout, stderr };
  }
}

beforeAll(async () => {
  await host.start();
});
afterAll(() => cluster.close());

const entries = async () =>
  JSON.parse((await command("log", "--json", "--since", "10m")).stdout) as LoadEntry[];

test("a policy and a threshold are in force as soon as the command returns, and pantsd goes on", async () => {
  const { pid } = await host.status();
  expect(await host.status()).toMatchObject({ policy: "cpu", thresholds: { cpu: null, io: null } });
  expect(await command("set", "policy", "multi")).toMatchObject({
    status: 0,
    stdout: "policy is multi, from now on\n",
  });
  expect(await host.status()).toMatchObject({ policy: "multi", thresholds: { io: 1000, ctxt: 6000 } });
  expect(await command("set", "threshold", "io", "7")).toMatchObject({ status: 0 });
  expect(await command("set", "threshold", "cpu", "90.5", "--json")).toMatchObject({ status: 0 });
  expect(await host.status()).toMatchObject({ pid, thresholds: { io: 7, cpu: 90.5 } });
  expect(await command("set", "threshold", "io", "default")).toMatchObject({ status: 0 });
  expect(await host.status()).toMatchObject({ thresholds: { io: 1000 } });
});

test("a bad value is refused, and what was set stays", async () => {
  const before = readFileSync(host.configFile, "utf8");
  for (const args of [
    ["policy", "best"],
    ["threshold", "disk", "5"],
    ["threshold", "cpu", "0"],
    ["threshold", "cpu", "much"],
    ["threshold", "cpu", "101"],
  ]) {
    const ran = await command("set", ...args);
    expect(ran.status, args.join(" ")).toBeGreaterThan(0);
    expect(ran.stderr.split("\n")[0]).toMatch(/^pants: /);
  }
  expect(readFileSync(host.configFile, "utf8")).toBe(before);
  expect(await host.status()).toMatchObject({ policy: "multi", thresholds: { cpu: 90.5 }, warnings: [] });
});

test("the file itself is seen when it changes; one that is wrong is said, and the old one stays in force", async () => {
  const good = readFileSync(host.configFile, "utf8");
  writeFileSync(host.configFile, good.replace("cpu = 90.5", "cpu = 85"));
  await until("85", async () => (await host.status()).thresholds.cpu === 85);
  writeFileSync(host.configFile, good.replace("cpu = 90.5", "cpu = 850"));
  await until("a warning", async () =>
    (await host.status()).warnings.some((line) => line.includes("load.cpu")),
  );
  expect((await host.status()).thresholds.cpu).toBe(85);
  expect(await command("set", "policy", "cpu")).toMatchObject({ status: 1 });
  writeFileSync(host.configFile, good);
  await until("90.5", async () => (await host.status()).thresholds.cpu === 90.5);
  expect((await host.status()).warnings).toEqual([]);
});

test("a host is busy within a sample of a threshold that its load is over, says by which, and has it on record", async () => {
  await until("a load", async () => ((await host.status()).indices.ctxt ?? 0) > 0);
  expect(await command("set", "threshold", "ctxt", "0.5")).toMatchObject({ status: 0 });
  const status = await until("busy", async () => {
    const now = await host.status();
    return now.busy ? now : null;
  });
  expect(status.why).toMatch(/^ctxt: \d+ switches\/s \(threshold 0\.5 switches\/s\)$/);
  expect(status.lends).toBe(false);
  const busy = await until("the busy interval on record", async () =>
    (await entries()).find((one) => one.cause === "ctxt"),
  );
  expect(busy).toMatchObject({ busy: true, lends: false, threshold: 0.5, policy: "multi" });
  expect(busy.value).toBeGreaterThan(0.5);
  expect(await command("set", "threshold", "ctxt", "default")).toMatchObject({ status: 0 });
});

test("calibrate measures what is usual", async () => {
  const ran = await command("calibrate", "--seconds", "3", "--json");
  const { proposals } = JSON.parse(ran.stdout) as { proposals: { index: string; threshold: number }[] };
  expect(proposals.map(({ index }) => index)).toContain("ctxt");
  for (const { threshold } of proposals) expect(threshold).toBeGreaterThan(0);
  expect(await command("calibrate", "--seconds", "1")).toMatchObject({ status: 2 });
}, 60_000);

test("the record has every interval, over a restart too", async () => {
  const before = (await entries()).length;
  await host.kill("SIGKILL");
  await host.start();
  const after = await until("more", async () => {
    const now = await entries();
    return now.length > before ? now : null;
  });
  const times = after.map(({ timeMs }) => timeMs);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  const csv = (await command("log", "--csv")).stdout.trim().split("\n");
  expect(new Set(csv.map((line) => line.split(",").length)).size).toBe(1);
  expect(csv[0]).toContain("time,interval_ms,cpu,io,ctxt,memory,intr,net");
  expect((await command("log", "-n", "3")).stdout.trim().split("\n")).toHaveLength(4);
  const stats = JSON.parse((await command("stats", "--json")).stdout) as { hosts: string[]; overall: object };
  expect(stats.hosts).toEqual(["a"]);
  expect(Object.keys(stats.overall)).toContain("cpu");
});
