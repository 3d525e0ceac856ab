/** prex alone, beside a peer that speaks prexd's protocol: what the parent of a stand-in observes. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { until } from "../../src/lab/wait.js";
import { type Background, processState, sanitized, World } from "./world.js";

const world = new World();
let target = "";
let fake: Background | undefined;

beforeAll(() => {
  target = world.probe("target");
  world.probe("fake_prexd");
  world.probe("caller");
});
beforeEach(() => {
  world.slots(2);
  world.state({ busy: true });
});
afterEach(async () => {
  fake?.child.kill("SIGKILL");
  await fake?.ended();
  fake = undefined;
  rmSync(join(world.users, "prexd.sock"), { force: true });
});
afterAll(() => world.remove());

const IDEMPOTENT = 1;

async function standIn(
  args: string[] = [],
  flags = 0,
  env: Record<string, string> = {},
): Promise<Background> {
  const job = world.standIn(target, args, flags, env);
  await job.ended();
  return job;
}

describe("what prexd is told", () => {
  it("the job as it would run here, without PANTS_STANDIN", async () => {
    fake = await world.fakePrexd("ready", "dump", "started:far 1", "exit:0");
    const command = `umask 27; trap '' PIPE; ulimit -n 99; exec 0<&-; exec "$0" one ''`;
    const job = world.start(["sh", "-c", command, world.prex], {
      PANTS_STANDIN: `1:${target}`,
      PROBE_X: "y z",
    });
    expect(await job.ended()).toBe(0);
    await fake.until(() => fake?.stdout.includes("whole") === true);
    const told = fake.stdout;
    // A parent's posix_spawn may leave signals 32 and 33 ignored: glibc keeps them for itself.
    const ignored = BigInt(`0x${/ignored ([0-9a-f]+)/.exec(told)?.[1] ?? "0"}`);
    expect(ignored & ~0x180000000n).toBe(0x1000n);
    expect(told.replace(/ignored [0-9a-f]+ /, "")).toContain(
      "flags 1 umask 27 argc 3 nice 0 blocked 0 received",
    );
    // Whoever runs the tests may have left something open above.
    const [, fds = "", received] = /^fds ([\d ]+)$[^]* received (\d+) nofile 99$/m.exec(told) ?? [];
    expect(fds.split(" ").slice(0, 2)).toEqual(["1", "2"]);
    expect(fds.split(" ")).toHaveLength(Number(received));
    expect(told).toContain(`cwd ${world.dir}\npath ${target}\nhost \nafter \n`);
    expect(told).toContain(`argv one\nargv \nenv PROBE_X=y z\nwhole`);
    expect(told).not.toContain("PANTS_STANDIN");
  });
  it("a relative path made absolute", async () => {
    fake = await world.fakePrexd("ready", "dump", "exit:0");
    const job = world.standIn("bin/target");
    await job.ended();
    await fake.until(() => fake?.stdout.includes("whole") === true);
    expect(fake.stdout).toContain(`path ${world.dir}/bin/target\n`);
  });
});

describe("how it ends", () => {
  it("with the program's status and output", async () => {
    fake = await world.fakePrexd("ready", "started:far 1", "write:from afar", `exit:${7 << 8}`);
    const job = await standIn();
    expect([job.end, job.stdout, job.stderr]).toEqual([7, "from afar", ""]);
  });
  it.each([
    ["SIGSEGV", 11],
    ["SIGSEGV", 139],
    ["SIGTERM", 15],
    ["SIGKILL", 9],
  ])("by %s itself, wait status %i", async (name, status) => {
    fake = await world.fakePrexd("ready", "started:far 1", `exit:${status}`);
    expect((await standIn()).end).toBe(name);
  });
  it("by a signal that it was told to ignore", async () => {
    fake = await world.fakePrexd("ready", "started:far 1", "exit:13");
    const job = world.start(["sh", "-c", `trap '' PIPE; exec "$0"`, world.prex], {
      PANTS_STANDIN: `0:${target}`,
    });
    expect(await job.ended()).toBe("SIGPIPE");
  });
  it("by SIGKILL with one line when the outcome is unknown", async () => {
    fake = await world.fakePrexd("ready", "started:far 1", "lost:prex: prog: lost on far");
    const job = await standIn();
    expect([job.end, job.stderr, job.stdout]).toEqual(["SIGKILL", "prex: prog: lost on far\n", ""]);
  });
  it("by SIGKILL when prexd breaks off after the start", async () => {
    fake = await world.fakePrexd("ready", "started:far 1", "close");
    const job = await standIn();
    expect([job.end, job.stdout]).toEqual(["SIGKILL", ""]);
    expect(job.stderr).toMatch(/^prex: .*target: lost .*\n$/);
    expect(world.whys()).toMatchObject([{ reason: 14, where: 1 }]);
  });
});

describe("runs it here", () => {
  const here = (job: Background): void => {
    expect(job.stdout).toContain("errno 0\n");
    expect(job.stdout).toContain("fds 0 1 2\n");
    expect(job.stdout).not.toContain("PANTS_STANDIN");
    expect(job.stdout).toMatch(/SigBlk:\s+0{16}\n/);
    expect(job.stdout).toMatch(/SigPnd:\s+0{16}\n/);
    expect(job.end).toBe(3);
    expect(job.stderr).toBe("");
  };
  const local = async (flags = 0): Promise<Background> => standIn(["one"], flags, { TARGET_END: "3" });

  it("when prexd says so, in a slot, and says why", async () => {
    fake = await world.fakePrexd("ready", "here:9:far is full");
    const job = await local();
    here(job);
    expect(world.whys()).toMatchObject([{ reason: 9, where: 0, detail: "far is full" }]);
    expect(world.words()[0]).toBe(BigInt(job.pid));
  });
  it("when nobody listens, and when the socket is dead", async () => {
    here(await local());
    fake = await world.fakePrexd("ready");
    fake.child.kill("SIGKILL");
    await fake.ended();
    here(await local());
    expect(world.whys().map((why) => why.reason)).toEqual([8, 8]);
  });
  it("when prexd breaks off before the start", async () => {
    fake = await world.fakePrexd("close", "--", "ready", "close", "--", "ready", "half", "close");
    for (let i = 0; i < 3; i++) here(await local(i === 0 ? IDEMPOTENT : 0));
  });
  it("when prexd does not answer within 2 s, and starts nothing afterwards", async () => {
    fake = await world.fakePrexd("gone", "started:far 1");
    here(await local());
    await fake.until(() => fake?.stdout.includes("peer gone") === true);
  });
  it("when prexd is stopped, before and after it took the job", async () => {
    fake = await world.fakePrexd("hang");
    fake.child.kill("SIGSTOP");
    here(await local());
    fake.child.kill("SIGKILL");
    fake = await world.fakePrexd("--mute", "ready", "hang");
    here(await local());
  });
  it("when the socket or its directory could be another's", async () => {
    fake = await world.fakePrexd("ready", "started:far 1", "exit:0");
    chmodSync(join(world.users, "prexd.sock"), 0o666);
    here(await local());
    chmodSync(join(world.users, "prexd.sock"), 0o600);
    chmodSync(world.users, 0o777);
    here(await local());
    chmodSync(world.users, 0o700);
    expect((await standIn()).end).toBe(0);
  });
  it("when the runtime directory cannot be used", async () => {
    const job = world.standIn(target, [], 0, { PANTS_RUNTIME_DIR: "/proc/nonexistent", TARGET_END: "3" });
    await job.ended();
    here(job);
  });
  it("when an argument names what is this process's only", async () => {
    fake = await world.fakePrexd("ready", "exit:0");
    const job = await standIn(["/proc/self/maps"], 0, { TARGET_END: "3" });
    here(job);
  });
  it("with descriptors closed that were closed", async () => {
    const job = world.start(["sh", "-c", `exec 0<&- 2<&-; exec "$0"`, world.prex], {
      PANTS_STANDIN: `0:${target}`,
    });
    await job.ended();
    expect(job.stdout).toContain("fds 1\n");
  });
  it("saying what is wrong when even that fails", async () => {
    const gone = world.standIn(join(world.dir, "gone"));
    expect([await gone.ended(), gone.stderr.includes("No such file")]).toEqual([127, true]);
  });
});

describe("an idempotent job that was lost", () => {
  it("is given to the next prexd with the link that must be dead", async () => {
    fake = await world.fakePrexd(
      "ready",
      "started:far abc",
      "close",
      "--",
      "ready",
      "dump",
      "started:other 2",
      "exit:0",
    );
    expect((await standIn([], IDEMPOTENT)).end).toBe(0);
    expect(fake.stdout).toContain("after far abc\n");
  });
  it("runs here when that prexd says so", async () => {
    fake = await world.fakePrexd("ready", "started:far abc", "close", "--", "ready", "here:15:abc is dead");
    expect((await standIn([], IDEMPOTENT, { TARGET_END: "4" })).end).toBe(4);
  });
  it("runs here without a prexd, but only when the first copy must be dead", async () => {
    fake = await world.fakePrexd("ready", "started:far abc", "hang");
    const begun = Date.now();
    const job = world.standIn(target, [], IDEMPOTENT, { TARGET_END: "5", PANTS_DEBUG: "1" });
    await job.until(() => job.stderr.includes("started on far"));
    fake.child.kill("SIGKILL");
    expect(await job.ended()).toBe(5);
    expect(Date.now() - begun).toBeGreaterThan(11_000);
  });
});

describe("signals", () => {
  const running = async (...steps: string[]): Promise<Background> => {
    fake = await world.fakePrexd("ready", "started:far 1", ...steps);
    const job = world.standIn(target, [], 0, { PANTS_DEBUG: "1" });
    await job.until(() => job.stderr.includes("started on far"));
    return job;
  };

  it("go to the program, once", async () => {
    const job = await running("signal", "signal", "exit:15");
    job.child.kill("SIGUSR1");
    await fake?.until(() => fake?.stdout.includes("signal a\n") === true);
    job.child.kill("SIGTERM");
    expect(await job.ended()).toBe("SIGTERM");
    expect(fake?.stdout).toContain("signal a\nsignal f\n");
  });
  it("stop it as the program stopped, and let it go on", async () => {
    // SIGSTOP: in an orphaned process group, as under some CI runners, the kernel drops the terminal's stop signals.
    const job = await running("stopped:19", "signal", "exit:0");
    await job.until(() => processState(job.pid) === "T");
    job.child.kill("SIGCONT");
    expect(await job.ended()).toBe(0);
    expect(fake?.stdout).toContain("signal 12\n");
    expect(fake?.stdout.match(/signal/g)).toHaveLength(1);
  });
  it("end it while it waits, as the program would end", async () => {
    fake = await world.fakePrexd("ready", "dump", "gone");
    const job = world.standIn(target);
    await fake.until(() => fake?.stdout.includes("whole") === true);
    job.child.kill("SIGINT");
    expect(await job.ended()).toBe("SIGINT");
    await fake.until(() => fake?.stdout.includes("gone") === true);
  });
  it("are told apart when they come from the terminal", async (context) => {
    if (world.run(["sh", "-c", "command -v script"]).status !== 0)
      return context.skip("script(1) is not installed");
    fake = await world.fakePrexd("ready", "started:far 1", "signal", "exit:2");
    const job = world.start(["script", "-qec", world.prex, "/dev/null"], {
      PANTS_STANDIN: `0:${target}`,
      PANTS_DEBUG: "1",
    });
    await job.until(() => job.stdout.includes("started on far"));
    job.child.stdin?.write("\x03");
    await fake.until(() => fake?.stdout.includes("signal 102\n") === true);
    await job.ended();
  });
  it("that kill the stand-in break the connection", async () => {
    const job = await running("gone");
    job.child.kill("SIGKILL");
    expect(await job.ended()).toBe("SIGKILL");
    await fake?.until(() => fake?.stdout.includes("gone\n") === true);
  });
});

describe("by hand", () => {
  it("finds the command, and says when it cannot", () => {
    expect(world.run([world.prex, "nonexistent-command"])).toMatchObject({
      status: 127,
      stderr: "prex: nonexistent-command: command not found\n",
    });
    writeFileSync(join(world.dir, "data"), "data");
    expect(world.run([world.prex, "./data"]).status).toBe(126);
    expect(world.run([world.prex]).status).toBe(2);
    expect(world.run([world.prex, "--bad", "x"]).status).toBe(2);
    expect(world.run([world.prex, "--version"]).stdout).toMatch(/^prex \d/);
    expect(world.run([world.prex, "--help"]).stdout).toContain("--on HOST");
  });
  it("asks prexd for the host", async () => {
    fake = await world.fakePrexd("ready", "dump", "started:far 1", "exit:256");
    const job = world.start([world.prex, "--on", "far", "--", "true", "-x"]);
    expect(await job.ended()).toBe(1);
    expect(fake.stdout).toMatch(/flags 2 .*\n.*\npath \S*\/true\nhost far\nafter \nargv true\nargv -x\n/);
  });
  it("says why when it had to run here", async () => {
    fake = await world.fakePrexd("ready", "here:9:nobody is free");
    const job = world.start([world.prex, "sh", "-c", "exit 6"]);
    expect([await job.ended(), job.stderr]).toEqual([6, "prex: running sh here: refused: nobody is free\n"]);
  });
});

describe("starting prexd", () => {
  /** A prex that finds this script as its prexd. */
  const installed = (prexd: string): string => {
    const tree = mkdtempSync(join(world.dir, "installed-"));
    const release = join(tree, "build", "Release");
    for (const folder of [join(tree, "bin"), release]) mkdirSync(folder, { recursive: true });
    writeFileSync(join(tree, "bin", "prexd"), prexd, { mode: 0o755 });
    cpSync(world.prex, join(release, "prex"));
    return join(release, "prex");
  };

  it("happens once for many at once, in the background, with a clean environment", async () => {
    const log = join(world.dir, "starts");
    writeFileSync(log, "");
    // Stands for prexd: says who it is, then listens as prexd does.
    const fakeBin = join(world.dir, "bin", "fake_prexd");
    const script = `#!/bin/sh\necho start >> ${log}\nenv > ${log}.env\nls /proc/self/fd | wc -l > ${log}.fds\nexec ${fakeBin} ${world.users} ready exit:0\n`;
    const prex = installed(script);
    const held = openSync(log, "r");
    const jobs = Array.from({ length: 50 }, () =>
      world.start([prex], {
        PANTS_STANDIN: `0:${target}`,
        TARGET_END: "3",
        LD_PRELOAD: "/nonexistent.so",
        SECRET: "x",
      }),
    );
    for (const job of jobs) expect([0, 3]).toContain(await job.ended());
    await jobs[0]?.until(() => readFileSync(log, "latin1").includes("start"));
    const last = world.start([prex], { PANTS_STANDIN: `0:${target}`, TARGET_END: "3" });
    await last.until(() => last.end !== undefined);
    expect(readFileSync(log, "latin1")).toBe("start\n");
    const env = readFileSync(`${log}.env`, "latin1");
    expect(env).toContain(`PANTS_RUNTIME_DIR=${world.runtime}`);
    expect(env).not.toMatch(/SECRET|LD_PRELOAD|PANTS_STANDIN/);
    closeSync(held);
    world.run([
      "sh",
      "-c",
      `for p in /proc/[0-9]*; do case $(readlink $p/exe) in ${fakeBin}) kill -9 \${p#/proc/};; esac; done`,
    ]);
  });

  // AddressSanitizer itself needs more address space than any limit on it leaves.
  /** What stands for prexd writes down as what it was started, and ends. */
  const told = async (limits: string): Promise<{ why: string; log: string }> => {
    const log = join(world.dir, "as-what");
    for (const old of [log, join(world.users, "prexd.start")]) rmSync(old, { force: true });
    const script = `#!/bin/sh\nexec >${log}.new; echo "$PATH"; cat /proc/self/limits; taskset -cp $$; chrt -p $$\nmv ${log}.new ${log}\n`;
    const prex = installed(script);
    const env = { PANTS_STANDIN: `0:${target}`, TARGET_END: "3" };
    const job = world.start(["sh", "-c", `${limits}; PATH=/own/bin; exec ${prex}`], env);
    expect(await job.ended()).toBe(3);
    const why = world.whys().at(-1)?.detail ?? "";
    if (!why.includes("ulimit")) await until("it to be started", () => existsSync(log));
    rmSync(join(world.users, "prexd.start")); // No start has failed, for whoever comes next.
    return { why, log: existsSync(log) ? readFileSync(log, "utf8") : "" };
  };

  it("looks for programs in the system's folders too, and takes over no limit, no CPU and no scheduling", async () => {
    const soft = `ulimit -S -t 100; ulimit -S -f 100; ulimit -S -n 64; ${sanitized ? ":" : "ulimit -S -v 900000"}`;
    const { why, log } = await told(`${soft}; taskset -cp 0 $$ >/dev/null; chrt -b -p 0 $$`);
    expect(why).toBe("prexd was not running");
    expect(log).toMatch(/^\/own\/bin:\/usr\/local\/bin:\/usr\/bin:\/bin$/m);
    for (const limit of ["cpu time", "file size"])
      expect(log).toMatch(new RegExp(`^Max ${limit} +unlimited`, "m"));
    expect(Number(/^Max open files +(\d+)/m.exec(log)?.[1])).toBeGreaterThanOrEqual(1024);
    if (!sanitized) expect(Number(/^Max address space +(\d+)/m.exec(log)?.[1])).toBe(4 * 2 ** 30);
    const all = execFileSync("taskset", ["-cp", String(process.pid)], { encoding: "utf8" });
    expect(/list: (.*)/.exec(log)?.[1]).toBe(/list: (.*)/.exec(all)?.[1]);
    expect(log).toContain("SCHED_OTHER");
  });

  it("is not done by a program whose limits it could not raise", async () => {
    const limits = ["ulimit -t 100", "ulimit -f 100", "ulimit -n 64"];
    for (const limit of sanitized ? limits : [...limits, "ulimit -v 900000"]) {
      expect(await told(limit)).toEqual({
        why: "prexd was not running; ulimit here is too low for it",
        log: "",
      });
    }
  });

  it("is said to have failed, where it has, by the next one", async () => {
    const prex = installed("#!/bin/sh\nexit 1\n");
    const run = async (): Promise<string> => {
      const job = world.start([prex], { PANTS_STANDIN: `0:${target}`, TARGET_END: "3" });
      expect(await job.ended()).toBe(3);
      return world.whys()[0]?.detail ?? "";
    };
    expect(await run()).toBe("prexd was not running");
    await until("the failure to be told", async () => (await run()) === "prexd did not start: see prexd.log");
  });
});
