/** prex alone, beside a peer that speaks prexd's protocol: what the parent of a stand-in observes. */
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Background, processState, World } from "./world.js";

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
