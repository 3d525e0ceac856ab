/** Readiness of descriptors. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EDGE, HUP, IN, native, OUT } from "../../src/io/native.js";
import { b, openDescriptors, until } from "./support.js";

const execute = promisify(execFile);
const addon = join(import.meta.dirname, "../../build/Release/pants.node");

/** Runs a script with the addon as `native`; it must end by itself. */
async function script(source: string): Promise<string> {
  const text = `const native = require(${JSON.stringify(addon)});\n${source}`;
  const { stdout } = await execute(process.execPath, ["-e", text], { timeout: 20_000 });
  return stdout;
}

describe("watch", () => {
  test("calls while it holds, and no more once unwatched", async () => {
    const [read, write] = native.pipe();
    let calls = 0;
    expect(native.watch(read, IN, () => calls++)).toBe(0);
    native.write(write, "pipe", b("x"));
    await until("three calls", () => calls >= 3);
    native.unwatch(read);
    const seen = calls;
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(calls).toBe(seen);
    native.close(read);
    native.close(write);
  });

  test("the end of a pipe shows as HUP, also when only OUT was asked for", async () => {
    const [read, write] = native.pipe();
    const end = new Promise<number>((resolve) => native.watch(read, IN, resolve));
    native.close(write);
    expect((await end) & HUP).toBe(HUP);
    native.close(read);
    const [read2, write2] = native.pipe();
    const broken = new Promise<number>((resolve) => native.watch(write2, 0, resolve));
    native.close(read2);
    expect((await broken) & 8).toBe(8);
    native.close(write2);
  });

  test("with EDGE calls for what is added, not for what is there", async () => {
    const [read, write] = native.pipe();
    native.write(write, "pipe", b("old"));
    let calls = 0;
    native.watch(read, IN | EDGE, () => calls++);
    await until("the first call", () => calls === 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(calls).toBe(1);
    native.write(write, "pipe", b("new"));
    await until("the second", () => calls === 2);
    native.close(write);
    await until("the end", () => calls === 3);
    native.close(read);
  });

  test("watching again changes events and callback", async () => {
    const [read, write] = native.pipe();
    native.watch(write, 0, () => expect.unreachable());
    const events = await new Promise<number>((resolve) => native.watch(write, OUT, resolve));
    expect(events).toBe(OUT);
    native.close(read);
    native.close(write);
  });

  test("a number that is given to another file in the same round is not mistaken", async () => {
    const [read1, write1] = native.pipe();
    const [read2, write2] = native.pipe();
    native.write(write1, "pipe", b("x"));
    native.write(write2, "pipe", b("x"));
    let first = 0;
    const fresh: number[] = [];
    // Whichever comes first closes both and reuses the numbers: the other's event must not reach the new watchers.
    const swap = (): void => {
      first++;
      native.close(read1);
      native.close(read2);
      fresh.push(...native.pipe());
      for (const fd of fresh) native.watch(fd, IN, () => expect.unreachable());
    };
    native.watch(read1, IN, swap);
    native.watch(read2, IN, swap);
    await until("the first event", () => first > 0);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(first).toBe(1);
    expect(fresh.sort()).toEqual([read1, read2].sort());
    for (const fd of [...fresh, write1, write2]) native.close(fd);
  });

  test("any order of watching, unwatching and closing inside callbacks is safe", async () => {
    const before = openDescriptors();
    const random = fc.sample(fc.nat({ max: 0xffff }), { seed: 7, numRuns: 4096 });
    const pipes: [number, number][] = [];
    let calls = 0;
    let at = 0;
    const next = (max: number): number => (random[at++ % random.length] ?? 0) % max;
    const act = (): void => {
      calls++;
      const pipe = pipes[next(pipes.length)];
      if (pipe === undefined) return;
      const [read, write] = pipe;
      const choice = next(6);
      if (choice === 0) native.unwatch(read);
      else if (choice === 1) native.read(read, "pipe", Buffer.alloc(10));
      else if (choice < 4) native.watch(read, IN, act);
      else if (choice === 4) native.write(write, "pipe", b("y"));
      else {
        native.close(read);
        native.close(write);
        const fresh = native.pipe();
        pipes[pipes.indexOf(pipe)] = fresh;
        native.write(fresh[1], "pipe", b("z"));
        native.watch(fresh[0], IN, act);
      }
    };
    for (let i = 0; i < 50; i++) {
      const pipe = native.pipe();
      pipes.push(pipe);
      native.write(pipe[1], "pipe", b("x"));
      native.watch(pipe[0], IN, act);
    }
    await until("20,000 calls", () => {
      if (at % 7 === 0) act();
      return calls > 20_000;
    });
    for (const [read, write] of pipes) {
      native.close(read);
      native.close(write);
    }
    expect(openDescriptors()).toEqual(before);
  });
});

describe("the event loop", () => {
  test("ends when nothing is watched", async () => {
    expect(await script("console.log('loaded')")).toBe("loaded\n");
    const out = await script(`
      const [r, w] = native.pipe();
      native.watch(r, 1, () => { native.unwatch(r); console.log("heard"); });
      setTimeout(() => native.write(w, "pipe", Buffer.from("x")), 30);
    `);
    expect(out).toBe("heard\n");
  });

  test("runs microtasks when the callbacks of a few descriptors have run, and not of all", async () => {
    const out = await script(`
      const log = [];
      const pipes = Array.from({ length: 20 }, () => native.pipe());
      let left = pipes.length;
      for (const [r, w] of pipes) {
        native.write(w, "pipe", Buffer.from("x"));
        native.watch(r, 1, () => {
          log.push("c");
          queueMicrotask(() => log.push("m"));
          native.unwatch(r);
          if (--left === 0) setImmediate(() => console.log(log.join("")));
        });
      }
    `);
    const rounds = out.trim().match(/c+m+/g) ?? [];
    expect(rounds.join("")).toBe(out.trim());
    expect(rounds.length).toBeGreaterThan(1);
    expect(rounds.length).toBeLessThan(20);
    for (const round of rounds) expect(round.lastIndexOf("c") + 1).toBe(round.length / 2);
  });

  test("tells what a callback throws, and what a microtask does, and serves the others", async () => {
    const out = await script(`
      process.on("uncaughtException", (e) => console.log("uncaught", e.message));
      for (const act of [() => { throw new Error("one"); }, () => queueMicrotask(() => { throw new Error("two"); }), () => console.log("three")]) {
        const [r, w] = native.pipe();
        native.write(w, "pipe", Buffer.from("x"));
        native.watch(r, 1, () => { native.unwatch(r); act(); });
      }
    `);
    expect(out.trim().split("\n").sort()).toEqual(["three", "uncaught one", "uncaught two"]);
  });

  test("of a worker can end with watchers left", async () => {
    const out = await script(`
      const { Worker, isMainThread } = require("node:worker_threads");
      const source = "const native = require(" + JSON.stringify(${JSON.stringify(addon)}) + ");" +
        "const [r, w] = native.pipe(); native.watch(r, 1, () => {}); setTimeout(() => process.exit(0), 20);";
      let left = 3;
      for (let i = 0; i < 3; i++) new Worker(source, { eval: true }).on("exit", () => { if (--left === 0) console.log("gone"); });
    `);
    expect(out).toBe("gone\n");
  });

  test("wrong arguments throw", () => {
    const wrong = native as unknown as Record<string, (...args: unknown[]) => unknown>;
    expect(() => wrong["watch"]?.("1", IN, () => undefined)).toThrow(TypeError);
    expect(() => wrong["watch"]?.(0, IN)).toThrow(TypeError);
    expect(() => wrong["read"]?.(0, "sock", Buffer.alloc(1))).toThrow(TypeError);
    expect(() => wrong["send"]?.(0, "text")).toThrow(TypeError);
    expect(() => wrong["spawn"]?.({})).toThrow(TypeError);
  });
});
