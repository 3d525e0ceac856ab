/** Jobs through the real stand-in, prexd and agent: the streams and the status come back as they would be here. */
import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { native } from "../../src/io/native.js";
import { until } from "../../src/lab/wait.js";
import { Bed } from "./bed.js";

const prex = join(import.meta.dirname, "..", "..", "build", "Release", "prex");
let bed: Bed;
beforeAll(async () => {
  bed = new Bed();
  await bed.on("far", "true");
});
afterAll(() => bed.end());

const sha = (data: Buffer | string): string => createHash("sha256").update(data).digest("hex");

describe("a job's end", () => {
  it("is its exit status", async () => {
    expect(await bed.on("far", "exit 7")).toMatchObject({ code: 7, signal: null });
    expect(await bed.on("far", ["/bin/false"])).toMatchObject({ code: 1 });
  });

  it("is the signal that it died of", async () => {
    expect(await bed.on("far", "kill -SEGV $$")).toMatchObject({ signal: "SIGSEGV" });
    expect(await bed.on("far", "kill -TERM $$")).toMatchObject({ signal: "SIGTERM" });
  });

  it("is recorded with host, duration and status", async () => {
    await bed.on("far", "exit 3");
    native.tableOpen(join(bed.runtime, "slots"), 0, 0);
    const [latest] = native.whyRead(1);
    native.tableClose();
    expect(latest).toMatchObject({ host: "far", status: 3 << 8, reason: 13, where: 1 });
  });
});

describe("a job's attributes", () => {
  it("are those of its stand-in", async () => {
    const script =
      'umask 027; nice -n 5 env -i A="b c" LC_ALL=C $PREX --on far /bin/sh -c \'pwd; umask; nice; echo "$A"; ulimit -Sn\'';
    const limited = await bed.shell(
      `ulimit -Sn 321; export PANTS_RUNTIME_DIR PANTS_RSH; ${script.replace("env -i", "env")}`,
    );
    expect(limited.stdout.split("\n").slice(0, 5)).toEqual([bed.work, "0027", "5", "b c", "321"]);
  });

  it("keep a directory that is reached through a link", async () => {
    symlinkSync(bed.work, join(bed.directory, "link"));
    const { stdout } = await bed.shell(`cd ${bed.directory}/link && $PREX --on far /bin/pwd -P`);
    expect(stdout.trim()).toBe(bed.work);
  });
});

describe("a job's streams", () => {
  const big = randomBytes(10_000_000);

  it("deliver to a socket that is read late, also when the program has ended before", async () => {
    // Node's pipes are sockets, open both ways: more than one buffers, and less than may be on its way.
    const child = bed.start([prex, "--on", "far", "/bin/sh", "-c", "head -c 400000 /dev/zero"]);
    child.stdout?.pause();
    let came = 0;
    child.stdout?.on("data", (chunk: Buffer) => {
      came += chunk.length;
    });
    child.stdout?.pause();
    await until("the program to have ended", async () =>
      (await bed.prexd()).jobs.some(({ state }) => state === "ended"),
    );
    child.stdout?.resume();
    const ended = await new Promise((resolve) => child.on("close", resolve));
    expect([ended, came]).toEqual([0, 400_000]);
  });

  it("carry 10 MB both ways, through pipes and files", async () => {
    writeFileSync(join(bed.work, "big"), big);
    expect((await bed.shell("cat big | $PREX --on far /bin/cat | sha256sum")).stdout.slice(0, 64)).toBe(
      sha(big),
    );
    expect((await bed.shell("$PREX --on far /bin/cat < big | sha256sum")).stdout.slice(0, 64)).toBe(sha(big));
    await bed.shell("(echo first; $PREX --on far /bin/cat big; echo last) > copy");
    const copy = readFileSync(join(bed.work, "copy"));
    expect(copy.equals(Buffer.concat([Buffer.from("first\n"), big, Buffer.from("last\n")]))).toBe(true);
  });

  it.each(["cat three |", "cat < three |"])("leave what the program did not read (%s)", async (source) => {
    writeFileSync(join(bed.work, "three"), "a\nb\nc\n");
    expect((await bed.shell(`${source} ($PREX --on far /bin/true; cat)`)).stdout).toBe("a\nb\nc\n");
    expect((await bed.shell(`${source} ($PREX --on far /usr/bin/head -c 2; echo -; cat)`)).stdout).toBe(
      "a\n-\nb\nc\n",
    );
  });

  it("leave the rest of a file for the next reader of its descriptor", async () => {
    writeFileSync(join(bed.work, "three"), "a\nb\nc\n");
    expect((await bed.shell("($PREX --on far /bin/true; cat) < three")).stdout).toBe("a\nb\nc\n");
    const half = await bed.shell("($PREX --on far /bin/dd bs=2 count=1 status=none; echo -; cat) < three");
    expect(half.stdout).toBe("a\n-\nb\nc\n");
  });

  it("reach a program line by line as they are written", async () => {
    const script = 'while read -r line; do echo "got $line"; done';
    const { stdout } = await bed.shell(
      `(for i in 1 2 3; do echo $i; sleep 0.05; done) | $PREX --on far /bin/sh -c '${script}'`,
    );
    expect(stdout).toBe("got 1\ngot 2\ngot 3\n");
  });

  it("keep the order of stdout and stderr when they are one file", async () => {
    const script = "for i in 1 2 3 4 5 6 7 8 9; do echo o$i; echo e$i >&2; done";
    const expected = [1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((i) => [`o${i}`, `e${i}`]).join("\n");
    expect((await bed.shell(`$PREX --on far /bin/sh -c '${script}' 2>&1 | cat`)).stdout.trim()).toBe(
      expected,
    );
    const apart = await bed.on("far", script);
    expect(apart.stdout.split("\n")).toHaveLength(10);
    expect(apart.stderr.split("\n")).toHaveLength(10);
  });

  it("stay closed, or /dev/null, where they are", async () => {
    const look = "readlink /proc/$$/fd/0; ls /proc/$$/fd/2 || echo closed";
    const { stdout } = await bed.shell(`$PREX --on far /bin/sh -c '${look}' </dev/null 2>&- | cat`);
    expect(stdout).toBe("/dev/null\nclosed\n");
  });

  it("give the program its SIGPIPE when the reader goes", async () => {
    const { stdout } = await bed.shell("$PREX --on far /usr/bin/yes | head -2; echo ${PIPESTATUS[0]}");
    expect(stdout).toBe("y\ny\n141\n");
  });

  it("end at home when what the program left behind has ended, not before", async () => {
    const { stdout } = await bed.shell(
      "$PREX --on far /bin/sh -c '(sleep 0.2; echo late) & echo soon' | cat",
    );
    expect(stdout).toBe("soon\nlate\n");
  });

  it("stop a program whose reader is slow, and no other", async () => {
    await bed.shell("mkfifo fifo");
    const slow = bed.start([
      "/bin/bash",
      "-c",
      "$PREX --on far /usr/bin/yes | (read -r line; read -r go < fifo; cat | head -c 1000 | wc -c)",
    ]);
    const ended = bed.finish(slow);
    for (let i = 0; i < 20; i++) expect((await bed.on("far", "echo quick")).stdout).toBe("quick\n");
    await bed.shell("echo go > fifo");
    expect((await ended).stdout.trim()).toBe("1000");
  });
});

describe("signals", () => {
  it("reach the program", async () => {
    const child = bed.start([
      prex,
      "--on",
      "far",
      "/bin/sh",
      "-c",
      'trap "echo caught; exit 5" TERM; echo ready; while :; do sleep 0.05; done',
    ]);
    const ended = bed.finish(child);
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ code: 5, stdout: "ready\ncaught\n" });
  });

  it("of death to the stand-in end all that runs far away", async () => {
    const child = bed.start([
      prex,
      "--on",
      "far",
      "/bin/sh",
      "-c",
      "setsid sleep 4321 & echo ready; sleep 4321",
    ]);
    const ended = bed.finish(child);
    await until("two sleeps", () => bed.processes("4321").filter((p) => p !== child.pid).length >= 2);
    child.kill("SIGKILL");
    await ended;
    await until("the far tree to be gone", () => bed.processes("4321").length === 0);
  });
});

describe("many jobs", () => {
  it("run 64 at a time", async () => {
    const { stdout } = await bed.shell(
      "seq 64 | xargs -P 64 -I N $PREX --on far /bin/sh -c 'echo N' | sort -n | md5sum; seq 64 | md5sum",
    );
    const [got, expected] = stdout.trim().split("\n");
    expect(got).toBe(expected);
  });

  it("leave no descriptor, process or token behind, and little memory", async () => {
    const loop = (n: number) =>
      bed.shell(`for i in $(seq ${n}); do $PREX --on far /bin/true || exit 1; done`);
    const measure = (): number[][] =>
      bed
        .processes("dist/cli/prex")
        .map((pid) => [
          readdirSync(`/proc/${pid}/fd`).length,
          Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0),
        ]);
    await loop(500);
    const before = measure();
    expect((await loop(1500)).code).toBe(0);
    const idle = await until("no job", async () =>
      (await bed.prexd()).jobs.length === 0 ? await bed.prexd() : false,
    );
    expect(idle.links).toHaveLength(1);
    const after = measure();
    for (const [i, [fds = 0, rss = 0]] of after.entries()) {
      expect(fds).toBeLessThanOrEqual((before[i]?.[0] ?? 0) + 1);
      expect(rss).toBeLessThan(90 * 1024);
    }
    expect(readdirSync(bed.work).filter((name) => name.startsWith(".pants-"))).toEqual([]);
    native.tableOpen(join(bed.runtime, "slots"), 0, 0);
    expect(native.slotCounts().taken).toBe(0);
    native.tableClose();
  });
});
