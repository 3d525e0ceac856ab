/** How prex starts prexd: once, in the background, and free of what the program was held to that came first. */
import { execFileSync } from "node:child_process";
import {
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
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { until } from "../../src/lab/wait.js";
import { sanitized, World } from "./world.js";

const world = new World();
let target = "";

beforeAll(() => {
  target = world.probe("target");
  world.probe("fake_prexd");
});
beforeEach(() => {
  world.slots(2);
  world.state({ busy: true });
  rmSync(join(world.users, "prexd.sock"), { force: true });
});
afterAll(() => world.remove());

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
    // AddressSanitizer itself needs more address space than such a limit leaves.
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
