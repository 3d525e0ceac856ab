import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { diskTrouble } from "../../src/lab/cgroup.js";
import type { Host } from "../../src/lab/host.js";
import { Lab } from "../../src/lab/lab.js";
import { startTime } from "../../src/lab/processes.js";
import { missingRights } from "../../src/lab/rights.js";
import { until } from "../../src/lab/wait.js";
import { ownLabs, traces } from "./traces.js";

const missing = missingRights(0.5);
const noDisk = diskTrouble();
if (missing.length > 0) console.warn(`hosts in namespaces are not tested: ${missing.join("; ")}`);

/** Whether one host reaches another by ssh. */
const reaches = async (from: Host, to: string): Promise<boolean> => {
  const ssh = await from.run(["sh", "-c", `$PANTS_RSH -o ConnectTimeout=1 ${to} true`]);
  return ssh.status === 0;
};

describe.skipIf(missing.length > 0)("a lab of namespaces", () => {
  let lab: Lab;
  let n1: Host;
  beforeAll(async () => {
    const diskMbS = noDisk === undefined ? { n2: 4 } : {};
    lab = await Lab.up({ hosts: 3, cpus: 0.5, diskMbS, daemons: false, privateDirs: { n3: ["/mnt"] } });
    n1 = lab.host("n1");
  });
  afterAll(() => lab.down());

  it("gives each host a name, processes, a /run and addresses of its own", async () => {
    const about = "hostname; echo $$; ls /run/lab-test 2>&1; touch /run/lab-test; ip -4 -o addr show eth0";
    const here = await n1.run(["sh", "-c", about]);
    const there = await lab.host("n2").run(["sh", "-c", about]);
    expect(here.stdout).toMatch(/^n1\n\d{1,3}\nls: .*No such file.*\n.* 10\.77\.0\.1\/16/);
    expect(there.stdout).toMatch(/^n2\n\d{1,3}\nls: .*No such file.*\n.* 10\.77\.0\.2\/16/);
  });

  it("carries ssh between any two hosts", async () => {
    const there = await lab.host("n3").run(["sh", "-c", "$PANTS_RSH n1 'hostname; echo $PANTS_CONFIG'"]);
    expect(there).toMatchObject({ status: 0, stdout: `n1\n${join(n1.folder, "pants.toml")}\n`, stderr: "" });
  });

  it("logs in without the start files of whoever runs it", async () => {
    const there = await n1.run(["sh", "-c", "$PANTS_RSH n2 'echo $SHELL; grep -c bash /etc/passwd'"]);
    expect(there.stdout).toBe("/bin/sh\n0\n");
  });

  it("hands status, signal, output, folder and variables through", async () => {
    const script = "pwd; echo $GREETING; echo oops >&2; exit 7";
    const run = await n1.run(["sh", "-c", script], {
      cwd: "/usr",
      env: { GREETING: "a b", HOME: undefined },
    });
    expect(run).toMatchObject({ status: 7, signal: null, stdout: "/usr\na b\n", stderr: "oops\n" });
    const died = await n1.run(["sh", "-c", "kill -9 $$"]);
    expect(died).toMatchObject({ status: null, signal: "SIGKILL" });
  });

  it("signals the program itself, and ends what takes too long", async () => {
    const slow = n1.start([
      "sh",
      "-c",
      "trap 'echo heard; exit 3' TERM; echo ready; while :; do sleep 0.01; done",
    ]);
    await new Promise((resolve) => slow.child.stdout?.once("data", resolve));
    await slow.kill();
    expect(await slow.done).toMatchObject({ status: 3, stdout: "ready\nheard\n" });
    const endless = await n1.run(["sleep", "1000"], { timeoutMs: 100 });
    expect(endless.signal).toBe("SIGKILL");
  });

  it("holds a host to its share of the CPU", async () => {
    const before = n1.cpuSeconds();
    await Promise.all([1, 2].map(() => n1.run(["timeout", "1", "sh", "-c", "while :; do :; done"])));
    expect(n1.cpuSeconds() - before).toBeLessThan(0.8);
  });

  it.skipIf(noDisk !== undefined)("holds a host to its disk's throughput", async () => {
    const file = join(lab.folder, "n2", "written");
    const argv = ["dd", "if=/dev/zero", `of=${file}`, "bs=64k", "count=32", "oflag=direct"];
    const { status, ms } = await lab.host("n2").run(argv);
    expect(status).toBe(0);
    expect(ms).toBeGreaterThan(400);
  });

  it("lets a host read its quota where /proc/self/cgroup says", async () => {
    const groups = (await n1.run(["cat", "/proc/self/cgroup"])).stdout;
    expect(groups).toContain(`/pants-lab-${lab.id}/n1`);
  });

  it("makes folders private", async () => {
    await lab.host("n3").run(["touch", "/mnt/pants-lab-test"]);
    expect((await n1.run(["ls", "/mnt"])).stdout).not.toContain("pants-lab-test");
  });

  it("leaves no zombies of processes that lost their parent", async () => {
    await n1.run(["sh", "-c", "(sleep 0.05 &)"]);
    await until(
      "the orphan to be reaped",
      () => !n1.processes().some(({ argv, zombie }) => zombie || argv[1] === "0.05"),
    );
  });

  it("cuts a host off and heals it", async () => {
    expect(await reaches(n1, "n3")).toBe(true);
    lab.host("n3").cut();
    expect(await reaches(n1, "n3")).toBe(false);
    lab.host("n3").heal();
    await until("n3 to be reached again", () => reaches(n1, "n3"));
  });

  it("ends all of a host at once", async () => {
    const sleeper = lab.host("n2").start(["sleep", "1000"]);
    await sleeper.pid();
    await lab.host("n2").kill();
    expect((await sleeper.done).signal).toBe("SIGKILL");
    expect(lab.host("n2").processes()).toEqual([]);
    expect(await reaches(n1, "n2")).toBe(false);
  });

  it("lives beside another lab with the same addresses", async () => {
    const other = await Lab.up({ hosts: 2, daemons: false });
    try {
      await other.host("n2").run(["touch", "/run/mine"]);
      const listed = await other.host("n1").run(["sh", "-c", "$PANTS_RSH n2 ls /run/mine"]);
      expect(listed.stdout).toBe("/run/mine\n");
      expect(await reaches(n1, "n3")).toBe(true);
    } finally {
      await other.down();
    }
    expect(traces(other.id)).toEqual([]);
    expect(await reaches(n1, "n3")).toBe(true);
  });
});

describe.skipIf(missing.length > 0)("when it ends", () => {
  it("a lab leaves nothing", async () => {
    const lab = await Lab.up({ hosts: 2, daemons: false });
    lab.host("n1").start(["sh", "-c", "setsid sleep 1000 & sleep 1000"]);
    expect(traces(lab.id)).not.toEqual([]);
    await lab.down();
    expect(traces(lab.id)).toEqual([]);
  });

  it("a lab whose start fails leaves nothing", async () => {
    const before = ownLabs();
    const failing = Lab.up({ hosts: 2, daemons: false, privateDirs: { n2: ["/no/such/folder"] } });
    const text = await failing.then(() => "no error", String);
    expect(text).toMatch(/n2 did not come up: .*mount/);
    expect(ownLabs()).toEqual(before);
  });

  it.each([["SIGINT"], ["SIGTERM"], ["SIGKILL"], ["throw"]] as const)(
    "%s of its owner leaves nothing",
    async (how) => {
      const owner = spawn(process.execPath, [join(import.meta.dirname, "owner.js"), how], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      const id = await new Promise<string>((resolve) =>
        owner.stdout.once("data", (text) => resolve(String(text).trim())),
      );
      if (how !== "throw") {
        expect(traces(id)).not.toEqual([]);
        owner.kill(how);
      }
      await until(`lab ${id} to be gone`, () => traces(id).length === 0);
    },
  );

  it("pants-lab clean removes what even the guard could not", async () => {
    const owner = spawn(process.execPath, [join(import.meta.dirname, "owner.js")], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const id = await new Promise<string>((resolve) =>
      owner.stdout.once("data", (text) => resolve(String(text).trim())),
    );
    const guard = spawnSync("pgrep", ["-f", `guard ${id}`], { encoding: "utf8" }).stdout.trim();
    process.kill(Number(guard), "SIGKILL");
    owner.kill("SIGKILL");
    await until("the owner to be dead", () => owner.signalCode !== null);
    expect(traces(id)).not.toEqual([]);
    const script = join(import.meta.dirname, "../../dist/cli/pants-lab.js");
    const clean = spawnSync(process.execPath, [script, "clean"], { encoding: "utf8" });
    expect(clean.stdout).toContain(id);
    expect(traces(id)).toEqual([]);
  });
});

describe("a lab on loopback", () => {
  it("says what is not isolated, and runs programs as each host", async () => {
    const lab = await Lab.up({ hosts: 2, daemons: false, isolation: "loopback" });
    try {
      expect(lab.notIsolated).toContain("not each host's own");
      const there = await lab.host("n1").run(["sh", "-c", "$PANTS_RSH n2 'echo $PANTS_RUNTIME_DIR'"]);
      expect(there.stdout).toBe(`${lab.folder}/n2/run\n`);
      const sleeper = lab.host("n2").start(["sleep", "1000"]);
      await sleeper.pid();
      await lab.host("n2").kill();
      expect((await sleeper.done).signal).toBe("SIGKILL");
      expect(() => lab.host("n2").cut()).toThrow("no cable");
    } finally {
      await lab.down();
    }
    expect(traces(lab.id)).toEqual([]);
  });
});

describe("the start time of a process", () => {
  it("is told even when its name has spaces and brackets", () => {
    const stat = readFileSync("/proc/self/stat", "utf8");
    expect(stat).toContain(String(startTime(process.pid)));
    expect(startTime(process.pid)).toBeGreaterThan(0);
  });
});
