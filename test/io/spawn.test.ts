/** Programs started as they would have been started at home. */
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { native } from "../../src/io/native.js";
import {
  b,
  blockingPipe,
  ended,
  environment,
  openDescriptors,
  run,
  scratch,
  shell,
  until,
} from "./support.js";

const ENOENT = -2;
const EACCES = -13;
const EINVAL = -22;
const UNLIMITED = 0xffff_ffff_ffff_ffffn;
const dir = realpathSync(scratch());
const bit = (signal: number): bigint => 1n << BigInt(signal - 1);

describe("what the program sees", () => {
  test("arguments, environment and working directory as bytes", async () => {
    const odd = Buffer.from([0xff, 0x80, 0x20, 0x0a, 0xc3]);
    const cwd = Buffer.concat([b(`${dir}/`), Buffer.from([0xe9, 0xff])]);
    mkdirSync(cwd);
    const { output } = await run(
      shell("", {
        argv: [b("sh"), b("-c"), b('printf "%s|%s|" "$1" "$X"; pwd -P'), b("sh"), odd],
        env: environment(Buffer.concat([b("X="), odd])),
        cwd,
      }),
    );
    expect(output).toBe(`${odd.toString("latin1")}|${odd.toString("latin1")}|${cwd.toString("latin1")}\n`);
  });

  test("its umask and its nice value", async () => {
    const before = Number((await run(shell("nice"))).output);
    const { output } = await run(shell("umask; nice", { umask: 0o137, nice: 5 }));
    expect(output).toBe(`0137\n${Math.min(before + 5, 19)}\n`);
  });

  test("nothing but its three descriptors", async () => {
    const held = [native.openNull(2), ...native.pipe()];
    const { output } = await run(shell("exec ls /proc/self/fd"));
    expect(output.trim().split("\n").map(Number)).toEqual([0, 1, 2]);
    for (const fd of held) native.close(fd);
  });

  test("descriptors with gaps between them, wherever ours lie", async () => {
    const held = Array.from({ length: 30 }, () => native.openNull(2));
    const nulls = held.slice(0, 3);
    const fds = new Array<number>(41).fill(-1);
    for (const [i, at] of [5, 11, 40].entries()) fds[at] = nulls[i] ?? -1;
    const { output } = await run(shell("exec ls -v /proc/self/fd", { fds }));
    expect(output.trim().split("\n").map(Number)).toEqual([0, 1, 2, 5, 11, 40]); // 0 is ls's own
    for (const fd of held) native.close(fd);
  });

  test("descriptors in any order, low, doubled and closed", async () => {
    // A script in a Node of its own puts three files on 0-2 and starts with them shuffled.
    const addon = JSON.stringify(join(import.meta.dirname, "../../build/Release/pants.node"));
    for (const name of ["f0", "f1", "f2"]) writeFileSync(join(dir, name), name);
    const script = `
      const fs = require("node:fs"), native = require(${addon});
      const b = (s) => Buffer.from(s);
      for (const i of [0, 1, 2]) { fs.closeSync(i); fs.openSync(${JSON.stringify(dir)} + "/f" + i, "r+"); }
      const outcome = [];
      const next = (cases) => {
        const fds = cases.shift();
        if (!fds) return fs.writeFileSync(${JSON.stringify(join(dir, "outcome"))}, JSON.stringify(outcome));
        const [r, w] = native.pipe();
        native.setBlocking(w, true);
        const code = 'exec 9> /proc/' + process.pid + '/fd/' + w + '; for i in 0 1 2; do (readlink /proc/$$/fd/$i || echo closed) >&9; done';
        const pid = native.spawn({ path: b("/bin/sh"), argv: [b("sh"), b("-c"), b(code)], env: Buffer.from(${JSON.stringify([...environment("PATH=/usr/bin:/bin")])}),
          cwd: b("/"), umask: 0, fds, terminal: -1, session: false, deathSignal: false, ignored: 0n, blocked: 0n, nice: 0, policy: 0, ioPriority: 0, rlimits: [], slot: -1 });
        native.onExit(pid, () => {
          const text = Buffer.alloc(4096);
          const n = native.read(r, "pipe", text);
          outcome.push([pid > 0, text.toString("latin1", 0, Math.max(n, 0)).trim().split("\\n").map((s) => s.split("/").pop())]);
          native.close(r); native.close(w);
          next(cases);
        });
      };
      next([[1, 2, 0], [2, 1, 0], [0, 0, 0], [-1, 2, 1], [2, -1, -1], [-1, 0, 0]]);`;
    const pid = native.spawn(shell("", { path: b(process.execPath), argv: [b("node"), b("-e"), b(script)] }));
    expect((await ended(pid)).status).toBe(0);
    expect(JSON.parse(readFileSync(join(dir, "outcome"), "utf8"))).toEqual([
      [true, ["f1", "f2", "f0"]],
      [true, ["f2", "f1", "f0"]],
      [true, ["f0", "f0", "f0"]],
      [true, ["closed", "f2", "f1"]],
      [true, ["f2", "closed", "closed"]],
      [true, ["closed", "f0", "f0"]],
    ]);
  });

  test("ignored and blocked signals as asked, Node's own SIGPIPE forgotten", async () => {
    const grep = { path: b("/bin/grep"), argv: [b("grep"), b("^Sig[BIC]"), b("/proc/self/status")] };
    const masks = async (ignored: bigint, blocked: bigint): Promise<bigint[]> => {
      const { output } = await run(shell("", { ...grep, ignored, blocked }));
      return output
        .trim()
        .split("\n")
        .slice(0, 2)
        .map((line) => BigInt(`0x${line.split("\t")[1] ?? ""}`));
    };
    expect(await masks(0n, 0n)).toEqual([0n, 0n]);
    const ignored = bit(1) | bit(13) | bit(64) | bit(32);
    const blocked = bit(2) | bit(10) | bit(33) | bit(64);
    expect(await masks(ignored, blocked)).toEqual([blocked, ignored]);
  });

  test("limits, as far as permitted", async () => {
    const limits: [bigint, bigint][] = Array.from({ length: 16 }, () => [UNLIMITED, UNLIMITED]);
    limits[7] = [100n, 200n]; // RLIMIT_NOFILE
    limits[4] = [0n, UNLIMITED]; // RLIMIT_CORE
    const { output } = await run(shell("ulimit -n; ulimit -Hn; ulimit -c; ulimit -t", { rlimits: limits }));
    expect(output).toBe("100\n200\n0\nunlimited\n");
    const [soft, hard] = (
      await run(shell("", { argv: [b("sh"), b("-c"), b("ulimit -n; ulimit -Hn")] }))
    ).output
      .trim()
      .split("\n");
    limits[7] = [1n << 40n, 1n << 40n];
    const raised = await run(shell("ulimit -n; ulimit -Hn", { rlimits: limits }));
    expect(Number(soft)).toBeLessThanOrEqual(Number(hard));
    expect(raised.output).toBe(`${hard}\n${hard}\n`);
  });

  test("a session of its own, led by it, or ours", async () => {
    const stat =
      "read -r pid name state parent group session rest < /proc/$$/stat; echo $pid $group $session";
    const own = (await run(shell(stat, { session: true }))).output.trim().split(" ");
    expect(own).toEqual([own[0], own[0], own[0]]);
    const ours = (await run(shell(stat))).output.trim().split(" ");
    expect(ours[2]).not.toBe(ours[0]);
  });
});

describe("ends", () => {
  test("by exit and by signal, as wait4 says", async () => {
    expect((await run(shell("exit 3"))).status).toBe(3 << 8);
    const crashed = (await run(shell("kill -11 $$"))).status;
    expect(crashed & 0x7f).toBe(11);
    const { result } = await run(shell("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"));
    expect(result.userUs + result.systemUs).toBeGreaterThan(10_000);
    expect(result.maxRssKb).toBeGreaterThan(500);
  });

  test("is told for a child that ended before anybody asked", async () => {
    const pid = native.spawn(shell("exit 5"));
    await until("its end", () => / Z /.test(readFileSync(`/proc/${pid}/stat`, "latin1")));
    expect((await ended(pid)).status).toBe(5 << 8);
    expect(native.onExit(pid, () => undefined)).toBe(-10);
  });

  test("cannot start: the reason, and nothing left", () => {
    const before = openDescriptors();
    writeFileSync(join(dir, "plain"), "no program", { mode: 0o644 });
    writeFileSync(join(dir, "garbage"), "\x01\x02", { mode: 0o755 });
    expect(native.spawn(shell("", { cwd: b(`${dir}/missing`) }))).toBe(ENOENT);
    expect(native.spawn(shell("", { path: b(`${dir}/missing`) }))).toBe(ENOENT);
    expect(native.spawn(shell("", { path: b(`${dir}/plain`) }))).toBe(EACCES);
    expect(native.spawn(shell("", { path: b(`${dir}/garbage`) }))).toBe(-8);
    expect(native.spawn(shell("", { fds: [9999, -1, -1] }))).toBe(-9);
    expect(native.spawn(shell("", { argv: [b("sh"), b("a\0b")] }))).toBe(EINVAL);
    expect(native.spawn(shell("", { argv: [b("x".repeat(1 << 18))] }))).toBe(-7);
    expect(openDescriptors()).toEqual(before);
    expect(native.reapOrphans([])).toBe(0);
  });

  test("the program dies with the thread that started it", async () => {
    const addon = JSON.stringify(join(import.meta.dirname, "../../build/Release/pants.node"));
    const script = `
      const native = require(${addon}), b = (s) => Buffer.from(s);
      const pid = native.spawn({ path: b("/bin/sleep"), argv: [b("sleep"), b("1000")], env: Buffer.alloc(0), cwd: b("/"), umask: 0,
        fds: [-1, -1, -1], terminal: -1, session: true, deathSignal: true, ignored: 0n, blocked: 0n, nice: 0, policy: 0, ioPriority: 0, rlimits: [], slot: -1 });
      require("node:fs").writeSync(1, String(pid));
      process.kill(process.pid, "SIGKILL");`;
    const node = { path: b(process.execPath), argv: [b("node"), b("-e"), b(script)] };
    const { output, status } = await run(shell("", node));
    expect(status).toBe(9);
    const pid = Number(output);
    expect(pid).toBeGreaterThan(1);
    await until("its end", () => native.kill(pid, 0) < 0 || isZombie(pid));
  });
});

function isZombie(pid: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return true;
  }
}

describe("many", () => {
  test("2,000 programs leave no descriptor and no process behind", async () => {
    const before = openDescriptors();
    const [read, write] = blockingPipe();
    const options = shell("", { path: b("/bin/true"), argv: [b("true")], fds: [read, write, write] });
    const start = performance.now();
    let spawnMs = 0;
    for (let batch = 0; batch < 40; batch++) {
      const ends: Promise<{ status: number }>[] = [];
      for (let i = 0; i < 50; i++) {
        const at = performance.now();
        const pid = native.spawn(options);
        spawnMs += performance.now() - at;
        ends.push(ended(pid));
      }
      for (const { status } of await Promise.all(ends)) expect(status).toBe(0);
    }
    const rate = 2000 / ((performance.now() - start) / 1000);
    console.log(
      `${Math.round(rate)} programs/s started and waited for; spawn() takes ${Math.round(spawnMs / 2)} µs`,
    );
    native.close(read);
    native.close(write);
    expect(openDescriptors()).toEqual(before);
    expect(native.reapOrphans([])).toBe(0);
  });
});
