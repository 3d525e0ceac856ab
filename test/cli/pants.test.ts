/** The commands of `pants`, with and without something to look at. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { span, table } from "../../src/cli/commands/table.js";
import type { Decision } from "../../src/cli/commands/why.js";
import { reasonWords, statusWords } from "../../src/cli/commands/why.js";
import { nothingMeasured } from "../../src/core/indices.js";
import { native, type WhyRecord } from "../../src/io/native.js";
import type { ControlReply, ControlRequest, HostStatus } from "../../src/wire/control.js";
import { command, type Ran, root, temporary } from "./support.js";

const decision: WhyRecord = {
  pid: 77,
  uid: 0,
  where: 0,
  reason: 1,
  index: 0,
  durationMs: 0,
  status: -1,
  host: "",
  program: "/usr/bin/gcc",
  detail: "",
};

/** A runtime directory with these decisions, oldest first. */
function decisions(...records: Partial<WhyRecord>[]): NodeJS.ProcessEnv {
  const folder = temporary();
  expect(native.tableOpen(join(folder, "slots"), 4, 0o666)).toBe(0);
  for (const record of records) native.why({ ...decision, ...record });
  native.tableClose();
  return { PANTS_RUNTIME_DIR: folder };
}

test("why: newest first, with place, reason, duration and status", () => {
  const env = decisions(
    {},
    { where: 1, reason: 11, index: 1, host: "beta", durationMs: 1234, status: 256 },
    {
      program: "/usr/bin/\u001b[31mcc1",
      where: 1,
      reason: 12,
      host: "gamma",
      durationMs: 65_000,
      status: 11,
    },
    { reason: 9, detail: "no host has room" },
  );
  const lines = command("pants", ["why"], env).stdout.trimEnd().split("\n");
  expect(lines[0]).toMatch(/^ *AGE +PID +PROGRAM +RAN +WHY +TOOK +STATUS$/);
  expect(lines[1]).toMatch(/m?s +77 +gcc +here +refused \(no host has room\)$/);
  expect(lines[2]).toMatch(/\?\[31mcc1 +gamma +every slot here was taken +1 min 5 s +SIGSEGV$/);
  expect(lines[3]).toMatch(/gcc +beta +this host was busy: cpu over its threshold +1\.2 s +1$/);
  expect(lines[4]).toMatch(/gcc +here +this host was free$/);
  const json = JSON.parse(command("pants", ["why", "--json", "-n", "1"], env).stdout) as Decision[];
  expect(json).toMatchObject([{ program: "/usr/bin/gcc", where: "here", reason: "refused", status: null }]);
  expect(command("pants", ["why", "--program", "gcc"], env).stdout.trimEnd().split("\n")).toHaveLength(4);
  expect(command("pants", ["why", "--program", "ld"], env).stdout).toBe(
    "No decision about ld is on record.\n",
  );
});

test("why: an empty ring, a missing one, a broken one", () => {
  expect(command("pants", ["why"], decisions()).stdout).toBe("No marked program has run yet.\n");
  const folder = temporary();
  const missing = command("pants", ["why"], { PANTS_RUNTIME_DIR: folder });
  expect(missing).toMatchObject({ status: 1, stdout: "" });
  expect(missing.stderr).toContain(`${folder}/slots does not exist`);
  writeFileSync(join(folder, "slots"), "not a table");
  const broken = command("pants", ["why"], { PANTS_RUNTIME_DIR: folder });
  expect(broken.status).toBe(1);
  expect(broken.stderr.split("\n")).toHaveLength(2);
});

test("every reason of the C header has words", () => {
  const header = readFileSync(join(root, "native", "include", "pants.h"), "utf8");
  const numbers = [...header.matchAll(/PANTS_WHY_[A-Z_]+ = (\d+)/g)].map(([, number]) => Number(number));
  expect(numbers.length).toBeGreaterThan(10);
  for (const reason of numbers) expect(reasonWords({ ...decision, reason })).not.toMatch(/^reason/);
});

test("numbers become words", () => {
  expect(reasonWords({ ...decision, reason: 8, detail: "prexd was not running" })).toBe(
    "prexd was not running",
  );
  expect([0, 256, 9, 139].map(statusWords)).toEqual(["0", "1", "SIGKILL", "SIGSEGV"]);
  expect([5, 1500, 59_000, 61_000, 3_700_000, 90_000_000].map(span)).toEqual([
    "5 ms",
    "1.5 s",
    "59 s",
    "1 min 1 s",
    "1 h 1 min",
    "1 d 1 h",
  ]);
  expect(
    table(
      ["A", ">B"],
      [
        ["x", "10"],
        ["long", "1"],
      ],
    ),
  ).toBe("A      B\nx     10\nlong   1");
});

test("without pantsd: where it was looked for and how to start it", () => {
  const folder = temporary();
  for (const name of ["status", "hosts"]) {
    const ran = command("pants", [name], { PANTS_RUNTIME_DIR: folder });
    expect(ran).toMatchObject({ status: 1, stdout: "" });
    expect(ran.stderr).toContain(`no pantsd runs on this host: there is no socket: ${folder}/pantsd.sock`);
    expect(ran.stderr).toContain("systemctl start pantsd");
    expect(ran.stderr).not.toMatch(/^\s+at /m);
  }
  expect(command("pants", ["jobs"], { PANTS_RUNTIME_DIR: folder })).toMatchObject({ status: 0 });
});

const hostStatus: HostStatus = {
  host: "alpha",
  version: "0.1.0",
  pid: 5,
  uptimeS: 3700,
  cluster: "pants",
  busy: true,
  lends: false,
  why: "cpu: 97 % (threshold 95 %)",
  cpuPercent: 97,
  policy: "adaptive",
  world: "control group /x: 0.5 CPUs, 512 MiB",
  indices: {
    ...nothingMeasured,
    cpu: 97.4,
    io: 1234.5,
    ctxt: 0,
    ioPressure: 12.3,
    availableMb: 300.2,
    totalMb: 512,
  },
  thresholds: { cpu: 95, io: 100_000, ctxt: 20_000, memory: null, intr: null, net: null },
  slotsTaken: 2,
  slotsTotal: 2,
  role: "busy",
  leader: "beta",
  epoch: 3,
  leasesHeld: 1,
  network: "multicast, eth0 10.0.0.1",
  keys: [{ id: "0a1b2c3d", hosts: 2 }],
  warnings: ["the clock of gamma is 140 s ahead of this host's"],
  counters: { "sent query": 4, "rejected mac": 0, "rejected time": 3, "rejected key": 1 },
};

/** Runs `pants` against a pantsd that answers as told. */
async function against(answer: (request: ControlRequest) => ControlReply, ...args: string[]): Promise<Ran> {
  const folder = temporary();
  const server = createServer((socket) =>
    socket.on("data", (data) => {
      const request = JSON.parse(data.toString()) as ControlRequest;
      socket.write(`${JSON.stringify({ t: "lost", leases: [] })}\n${JSON.stringify(answer(request))}\n`);
    }),
  );
  onTestFinished(() => void server.close());
  server.listen(join(folder, "pantsd.sock"));
  await once(server, "listening");
  const key = join(folder, "key");
  writeFileSync(key, "ab".repeat(32), { mode: 0o600 });
  writeFileSync(join(folder, "pants.toml"), `[cluster]\nkey_file = "${key}"\n`);
  return await live(args, { PANTS_RUNTIME_DIR: folder, PANTS_CONFIG: join(folder, "pants.toml") });
}

/** Runs `pants` while this process answers it. */
async function live(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ran> {
  const child = spawn(join(root, "bin", "pants"), args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const [status] = (await once(child, "close")) as [number | null];
  return { status, stdout, stderr };
}

const answers = (request: ControlRequest): ControlReply => {
  const id = "id" in request ? request.id : 0;
  if (request.t === "status") return { t: "status", id, status: hostStatus };
  if (request.t !== "hosts") return { t: "error", id, message: "what?" };
  const row = { address: "10.0.0.2", slotsTotal: 4, compat: "x86_64-glibc", ageMs: 900, note: "" };
  return {
    t: "hosts",
    id,
    leader: "beta",
    hosts: [
      { ...row, host: "beta", state: "free", slotsFree: 3, cpuPercent: 12.4 },
      { ...row, host: "gamma", state: "left out", slotsFree: 0, cpuPercent: 0, note: "refused 3 times" },
    ],
  };
};

test("status and hosts, for people and for programs", async () => {
  const status = await against(answers, "status");
  expect(status).toMatchObject({
    status: 0,
    stderr: "pants: warning: the clock of gamma is 140 s ahead of this host's\n",
  });
  expect(status.stdout).toContain("network   multicast, eth0 10.0.0.1\n");
  expect(status.stdout).toContain("load      busy: cpu: 97 % (threshold 95 %)");
  expect(status.stdout).toContain(
    "indices   cpu 97 of 95 %, io 1235 of 100000 blocks/s, ctxt 0 of 20000 switches/s, waiting for disks 12 %, 300 of 512 MiB available",
  );
  expect(status.stdout).toContain("measured  control group /x: 0.5 CPUs, 512 MiB, by policy adaptive");
  expect(status.stdout).toContain("role      busy; leader beta, epoch 3");
  expect(status.stdout).toContain("counters  sent query 4\n");
  expect(status.stdout).toContain(
    "rejected  3 by time: dated more than 30 s off, or before this pantsd's start\n" +
      "          1 by key: signed with a key that is not in the key file here\n",
  );
  expect(JSON.parse((await against(answers, "status", "--json")).stdout)).toEqual(hostStatus);
  const hosts = await against(answers, "hosts");
  expect(hosts.stdout.split("\n").slice(0, 4)).toEqual([
    "Leader: beta",
    "HOST   ADDRESS   STATE     FREE  SLOTS   CPU  RUNS           HEARD  NOTE",
    "beta   10.0.0.2  free         3      4  12 %  x86_64-glibc  900 ms",
    "gamma  10.0.0.2  left out     0      4   0 %  x86_64-glibc  900 ms  refused 3 times",
  ]);
  const failed = await against(
    (request) => ({ t: "error", id: "id" in request ? request.id : 0, message: "no" }),
    "hosts",
  );
  expect(failed).toEqual({ status: 1, stdout: "", stderr: "pants: pantsd says: no\n" });
});

test("jobs: one's own as prexd tells them, and other hosts' in the slot table", async () => {
  const folder = temporary();
  const users = join(folder, "users", String(process.getuid?.() ?? 0));
  mkdirSync(users, { recursive: true });
  expect(native.tableOpen(join(folder, "slots"), 4, 0o600)).toBe(0);
  native.slotTake(true);
  native.tableClose();
  const answer = {
    pid: 9,
    jobs: [{ pid: 40, program: "/usr/bin/gcc", host: "beta", state: "running", ageMs: 2500, more: 1 }],
    links: [{ host: "beta", link: "ab", state: "up", jobs: 1 }],
    leftOut: ["gamma"],
    queue: 0,
  };
  const json = Buffer.from(JSON.stringify(answer));
  const server = createServer((socket) =>
    socket.once("data", (query: Buffer) => {
      expect(query.toString("hex")).toBe("50505258010003000000000000000000");
      const header = Buffer.alloc(16);
      header.write("PPRX", "latin1");
      header.writeUInt16LE(1, 4);
      header.writeUInt16LE(69, 6);
      header.writeUInt32LE(json.length, 8);
      // In two pieces, as a socket may.
      socket.write(Buffer.concat([header, json.subarray(0, 7)]), () => socket.write(json.subarray(7)));
    }),
  );
  onTestFinished(() => void server.close());
  server.listen(join(users, "prexd.sock"));
  await once(server, "listening");
  const people = await live(["jobs"], { PANTS_RUNTIME_DIR: folder });
  expect(people).toMatchObject({ status: 0, stderr: "" });
  expect(people.stdout.split("\n").slice(0, 5)).toEqual([
    "PID  PROGRAM       STATE    HOST    AGE",
    " 40  /usr/bin/gcc  running  beta  2.5 s",
    "Connections: beta (up, jobs: 1)",
    "Left out for a while, since they failed: gamma",
    "For other hosts:",
  ]);
  const programs = await live(["jobs", "--json"], { PANTS_RUNTIME_DIR: folder });
  expect(JSON.parse(programs.stdout)).toMatchObject({ prexd: answer, guests: [{ slot: 0 }] });
});

test("status warns of a key that others can read, of none, and of a configuration that is wrong", () => {
  const folder = temporary();
  const config = join(folder, "pants.toml");
  const env = { PANTS_RUNTIME_DIR: folder, PANTS_CONFIG: config };
  writeFileSync(config, `[cluster]\nkey_file = "${folder}/key"\n`);
  expect(command("pants", ["status"], env).stderr).toContain(
    `${folder}/key does not exist: make one with pants key new`,
  );
  const key = join(folder, "key");
  writeFileSync(key, "abcd");
  chmodSync(key, 0o644);
  expect(command("pants", ["status"], env).stderr).toContain(
    `key file ${key} is open to others: chmod 600 ${key}`,
  );
  chmodSync(key, 0o600);
  expect(command("pants", ["status"], env).stderr).toContain("the key has 2 bytes, 32 are needed");
  writeFileSync(config, "[load]\n\ncpu = 101\n");
  expect(command("pants", ["status"], env).stderr).toContain(`${config}:3: load.cpu: `);
  writeFileSync(config, "[load\n");
  expect(command("pants", ["status"], env).stderr).toContain(`warning: ${config}:1:`);
});

test("key new: once, private, where asked or where the configuration says", () => {
  const folder = temporary();
  const key = join(folder, "new", "key");
  writeFileSync(join(folder, "pants.toml"), `[cluster]\nkey_file = "${key}"\n`);
  const env = { PANTS_CONFIG: join(folder, "pants.toml") };
  expect(command("pants", ["key", "new"], env)).toMatchObject({ status: 0 });
  expect(statSync(key).mode & 0o777).toBe(0o600);
  const first = readFileSync(key, "utf8");
  expect(first).toMatch(/^[0-9a-f]{64}\n$/);
  const again = command("pants", ["key", "new"], env);
  expect(again).toMatchObject({ status: 1, stdout: "" });
  expect(again.stderr).toContain(`${key}: exists already`);
  expect(readFileSync(key, "utf8")).toBe(first);
  expect(command("pants", ["key", "new", join(folder, "other")])).toMatchObject({ status: 0 });
  mkdirSync(join(folder, "folder"));
  expect(command("pants", ["key", "new", join(folder, "folder")])).toMatchObject({ status: 1 });
});

test("command lines that make no sense: status 2 and where to look", () => {
  for (const args of [
    [],
    ["marvel"],
    ["status", "--marvel"],
    ["why", "-n", "0"],
    ["why", "-n", "x"],
    ["key"],
  ]) {
    const ran = command("pants", args);
    expect(ran).toMatchObject({ status: 2, stdout: "" });
    expect(ran.stderr).toContain("pants: try 'pants --help'");
  }
  expect(command("pants", ["why", "--help"]).stdout).toContain("pants why --program gcc");
});
