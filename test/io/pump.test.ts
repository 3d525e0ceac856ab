/** Descriptors of others: looked at, read and written without a change that anybody else could see. */
import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FdKind, HUP, IN, native, OUT } from "../../src/io/native.js";
import {
  b,
  blockingPipe,
  EAGAIN,
  ended,
  environment,
  isNonBlocking,
  openPty,
  run,
  scratch,
  shell,
  socketPair,
  until,
} from "./support.js";

const EBADF = -9;
const EPIPE = -32;
const ENOTSUP = -95;
const dir = scratch();

/** Moves all of one descriptor to another, as prexd does; gives the number of bytes at the end of file. */
function pump(from: number, to: number, kind: FdKind): Promise<number> {
  return new Promise((resolve, reject) => {
    const chunk = Buffer.alloc(65536);
    let pending = chunk.subarray(0, 0);
    let total = 0;
    const flush = (): void => {
      const n = native.write(to, kind, pending);
      if (n < 0 && n !== EAGAIN) reject(new Error(`write: ${n}`));
      if (n > 0) pending = pending.subarray(n);
      if (pending.length > 0) return;
      native.unwatch(to);
      native.watch(from, IN, fill);
    };
    const fill = (): void => {
      const n = native.read(from, kind, chunk);
      if (n === EAGAIN) return;
      native.unwatch(from);
      if (n < 0) reject(new Error(`read: ${n}`));
      if (n <= 0) resolve(total);
      if (n <= 0) return;
      total += n;
      pending = chunk.subarray(0, n);
      native.watch(to, OUT, flush);
    };
    native.watch(from, IN, fill);
  });
}

describe("kinds", () => {
  test("each descriptor is what it is", async () => {
    const [read, write] = native.pipe();
    const [near, far] = socketPair(dir);
    const [master, slave] = await openPty(dir);
    const file = openSync(join(dir, "kinds"), "w+");
    const nil = native.openNull(2);
    const zero = openSync("/dev/zero", "r");
    const kinds = [read, write, near, master, slave, file, nil, zero, 9999].map(
      (fd) => native.examine(fd).kind,
    );
    expect(kinds).toEqual(["pipe", "pipe", "socket", "other", "tty", "file", "null", "other", "closed"]);
    for (const fd of [read, write, near, far, master, slave, nil]) native.close(fd);
    closeSync(file);
    closeSync(zero);
    expect(native.read(read, "closed", b("x"))).toBe(EBADF);
    expect(native.read(9999, "pipe", b("x"))).toBe(EBADF);
  });
});

describe("pipes", () => {
  test("100 MB go through blocking pipes of others, whose flags stay", async () => {
    const total = 100 << 20;
    const [in0, in1] = blockingPipe();
    const [out0, out1] = blockingPipe();
    const source = native.spawn(shell(`yes 0123456789abcdef | head -c ${total}`, { fds: [-1, in1, -1] }));
    native.close(in1);
    const [sum0, sum1] = blockingPipe();
    const sink = native.spawn(shell("md5sum", { fds: [out0, sum1, -1] }));
    native.close(out0);
    native.close(sum1);
    const start = performance.now();
    const moved = pump(in0, out1, "pipe");
    const done = moved.then((n) => {
      const rate = n / 1e6 / ((performance.now() - start) / 1000);
      console.log(`pumped ${Math.round(rate)} MB/s from pipe to pipe`);
      expect([isNonBlocking(in0), isNonBlocking(out1)]).toEqual([false, false]);
      native.close(in0);
      native.close(out1);
      return n;
    });
    const ends = Promise.all([ended(source), ended(sink)]);
    expect(await done).toBe(total);
    expect((await ends).map((r) => r.status)).toEqual([0, 0]);
    const chunk = Buffer.alloc(100);
    const n = native.read(sum0, "pipe", chunk);
    native.close(sum0);
    const line = Buffer.from("0123456789abcdef\n");
    const expected = createHash("md5").update(Buffer.alloc(total, line)).digest("hex");
    expect(chunk.toString("latin1", 0, n).split(" ")[0]).toBe(expected);
  });

  test("what was peeked and not taken is there for the next reader", async () => {
    const [read, write] = blockingPipe();
    native.write(write, "pipe", b("first line\nsecond line\n"));
    native.close(write);
    const seen = Buffer.alloc(100);
    expect(native.peek(read, "pipe", 0, seen)).toBe(23);
    expect(native.peek(read, "pipe", 11, seen)).toBe(12);
    expect(seen.toString("latin1", 0, 12)).toBe("second line\n");
    expect(native.consume(read, "pipe", 11)).toBe(11);
    expect((await run(shell("cat", { fds: [read, -1, -1] }))).output).toBe("second line\n");
    expect(isNonBlocking(read)).toBe(false);
    native.close(read);
  });

  test("the end is told apart from nothing yet, also past what was seen", () => {
    const [read, write] = blockingPipe();
    const into = Buffer.alloc(8);
    expect(native.peek(read, "pipe", 0, into)).toBe(EAGAIN);
    expect(native.read(read, "pipe", into)).toBe(EAGAIN);
    expect(native.consume(read, "pipe", 1)).toBe(EAGAIN);
    native.write(write, "pipe", b("abc"));
    expect(native.peek(read, "pipe", 3, into)).toBe(EAGAIN);
    native.close(write);
    expect(native.peek(read, "pipe", 3, into)).toBe(0);
    expect(native.peek(read, "pipe", 2, into)).toBe(1);
    expect(native.consume(read, "pipe", 10)).toBe(3);
    expect(native.peek(read, "pipe", 0, into)).toBe(0);
    expect(native.read(read, "pipe", into)).toBe(0);
    native.close(read);
  });

  test("a full pipe takes no more, and loses nothing of what it took", async () => {
    const [read, write] = blockingPipe();
    const block = Buffer.alloc(50_000, "0123456789");
    let taken = 0;
    for (;;) {
      const n = native.write(write, "pipe", block.subarray(taken % 10));
      if (n === EAGAIN) break;
      expect(n).toBeGreaterThan(0);
      taken += n;
    }
    expect(native.readable(read)).toBe(taken);
    native.close(write);
    const { output } = await run(shell("cat", { fds: [read, -1, -1] }));
    native.close(read);
    expect(output).toBe(Buffer.alloc(taken, "0123456789").toString());
  });

  test("many short writes fit, for a caller that reads only after the end", () => {
    const [read, write] = blockingPipe();
    for (let i = 0; i < 6000; i++) expect(native.write(write, "pipe", b("ten bytes\n"))).toBe(10);
    expect(native.readable(read)).toBe(60_000);
    native.close(read);
    native.close(write);
  });

  test.runIf(process.getuid?.() === 0)(
    "another user's pipe, which cannot be opened again, loses nothing",
    async () => {
      const script = `
      const native = require(${JSON.stringify(join(import.meta.dirname, "../../build/Release/pants.node"))});
      const [read, write] = native.pipe();
      native.setBlocking(read, true); native.setBlocking(write, true);
      process.setgid(65534); process.setuid(65534);
      const data = Buffer.alloc(150000, "0123456789"), into = Buffer.alloc(70000), seen = [];
      let sent = 0, full = 0, refused = false;
      try { require("node:fs").openSync("/proc/self/fd/" + write, "w"); } catch { refused = true; }
      while (seen.length < 15 || sent < data.length) {
        const n = native.write(write, "pipe", data.subarray(sent, sent + 70001));
        if (n > 0) sent += n; else full++;
        if (n > 0 && sent < 40000) continue;
        const got = native.read(read, "pipe", into.subarray(0, 9999));
        if (got < 0) break;
        seen.push(Buffer.from(into.subarray(0, got)));
      }
      const rest = native.read(read, "pipe", into);
      if (rest > 0) seen.push(into.subarray(0, rest));
      native.close(read);
      console.log(refused, full > 0, Buffer.concat(seen).equals(data), native.write(write, "pipe", data));`;
      const node = { path: b(process.execPath), argv: [b("node"), b("-e"), b(script)] };
      expect((await run(shell("", node))).output).toBe("true true true -32\n");
    },
  );

  test("nobody reads: EPIPE, and no signal", () => {
    const [read, write] = blockingPipe();
    native.close(read);
    expect(native.write(write, "pipe", b("x"))).toBe(EPIPE);
    native.close(write);
  });

  test("looking and taking in any steps gives the bytes as they were written", () => {
    const step = fc.record({
      do: fc.constantFrom("write", "peek", "consume", "read"),
      n: fc.integer({ min: 1, max: 9000 }),
      skip: fc.integer({ min: 0, max: 9000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const [read, write] = blockingPipe();
        let model = Buffer.alloc(0);
        let next = 0;
        for (const { do: action, n, skip } of steps) {
          const into = Buffer.alloc(n);
          if (action === "write") {
            const data = Buffer.from(into.map(() => next++ & 0xff));
            const took = Math.max(0, native.write(write, "pipe", data));
            model = Buffer.concat([model, data.subarray(0, took)]);
            next += took - n;
          } else if (action === "peek") {
            const got = native.peek(read, "pipe", skip, into);
            const expected = model.subarray(skip, skip + n);
            expect(got).toBe(expected.length || EAGAIN);
            if (got > 0) expect(into.subarray(0, got).equals(expected)).toBe(true);
          } else {
            const got = action === "read" ? native.read(read, "pipe", into) : native.consume(read, "pipe", n);
            const expected = model.subarray(0, n);
            expect(got).toBe(expected.length || EAGAIN);
            if (action === "read" && got > 0) expect(into.subarray(0, got).equals(expected)).toBe(true);
            model = model.subarray(expected.length);
          }
        }
        native.close(read);
        native.close(write);
      }),
      { numRuns: 300 },
    );
  });

  test("of our own are written in pieces, in part when there is no room, and made larger", () => {
    const [read, write] = native.pipe();
    expect(native.writeOwn(write, [b("one "), b("two")])).toBe(7);
    const part = native.writeOwn(write, [Buffer.alloc(40_000, "a"), Buffer.alloc(40_000, "b")]);
    expect(part).toBeGreaterThan(40_000);
    expect(part).toBeLessThan(80_000);
    expect(native.writeOwn(write, [b("x")])).toBe(EAGAIN);
    expect(native.widen(write, 1 << 18)).toBe(1 << 18);
    expect(native.widen(write, 1 << 16)).toBe(1 << 18);
    expect(native.writeOwn(write, [b("x")])).toBe(1);
    const all = Buffer.alloc(1 << 18);
    expect(native.readOwn(read, all)).toBe(7 + part + 1);
    expect(all.toString("latin1", 0, 9)).toBe("one twoaa");
    expect(native.readOwn(read, all)).toBe(EAGAIN);
    native.close(write);
    expect(native.readOwn(read, all)).toBe(0);
    native.close(read);
  });

  test("without a name nobody else can open them; with one a reader may come again", async () => {
    const [read, write] = native.pipe();
    const fifo = join(dir, "named");
    await run(shell(`mkfifo ${fifo}`));
    const named = openSync(fifo, "r+");
    expect([read, write, named].map((fd) => native.examine(fd).anonymous)).toEqual([true, true, false]);
    const own = native.reopen(write);
    expect(native.writeOwn(own, [b("x")])).toBe(1);
    native.close(read);
    expect(native.writeOwn(own, [b("x")])).toBe(EPIPE);
    for (const fd of [own, write]) native.close(fd);
    closeSync(named);
  });

  test("a pipe longer than usual is seen to its end", async () => {
    const [read, write] = blockingPipe();
    await run(
      shell("python3 -c 'import fcntl; fcntl.fcntl(0, 1031, 1048576)'", {
        fds: [write, -1, -1],
        env: environment(`PATH=${process.env["PATH"] ?? ""}`),
      }),
    );
    let written = 0;
    for (let n = 0; n >= 0; n = native.write(write, "pipe", Buffer.alloc(65536, 7))) written += n;
    expect(written).toBe(1 << 20);
    expect(native.peek(read, "pipe", written - 5, Buffer.alloc(10))).toBe(5);
    native.close(read);
    native.close(write);
  });
});

describe("sockets", () => {
  test("peek, consume, read, write, end", () => {
    const [near, far] = socketPair(dir);
    native.setBlocking(far, true);
    const into = Buffer.alloc(100);
    expect(native.peek(far, "socket", 0, into)).toBe(EAGAIN);
    native.write(near, "socket", b("abc"));
    native.write(near, "socket", b("defgh"));
    expect(native.peek(far, "socket", 2, into)).toBe(6);
    expect(into.toString("latin1", 0, 6)).toBe("cdefgh");
    expect(native.peek(far, "socket", 8, into)).toBe(EAGAIN);
    expect(native.consume(far, "socket", 5)).toBe(5);
    native.close(near);
    expect(native.peek(far, "socket", 3, into)).toBe(0);
    expect(native.read(far, "socket", into)).toBe(3);
    expect(native.read(far, "socket", into)).toBe(0);
    expect(native.write(far, "socket", b("x"))).toBe(EPIPE);
    expect(isNonBlocking(far)).toBe(false);
    native.close(far);
  });

  test("a full socket takes no more", () => {
    const [near, far] = socketPair(dir);
    native.setBlocking(near, true);
    let n = 0;
    while (n >= 0) n = native.write(near, "socket", Buffer.alloc(65536));
    expect(n).toBe(EAGAIN);
    native.close(near);
    native.close(far);
  });
});

describe("files and devices", () => {
  test("a file is read ahead and taken by moving its offset", async () => {
    const path = join(dir, "input");
    writeFileSync(path, "one\ntwo\n");
    const fd = openSync(path, "r");
    const into = Buffer.alloc(100);
    expect(native.watch(fd, IN, () => undefined)).toBe(-1);
    expect(native.peek(fd, "file", 4, into)).toBe(4);
    expect(native.peek(fd, "file", 8, into)).toBe(0);
    expect(native.consume(fd, "file", 4)).toBe(4);
    expect((await run(shell("cat", { fds: [fd, -1, -1] }))).output).toBe("two\n");
    closeSync(fd);
  });

  test("appending stays appending", () => {
    const path = join(dir, "log");
    writeFileSync(path, "a");
    const fd = openSync(path, "a");
    expect(native.write(fd, "file", b("bc"))).toBe(2);
    closeSync(fd);
    expect(readFileSync(path, "latin1")).toBe("abc");
  });

  test("/dev/null is empty and takes all", () => {
    const fd = native.openNull(2);
    const into = Buffer.alloc(10);
    expect(native.peek(fd, "null", 0, into)).toBe(0);
    expect(native.read(fd, "null", into)).toBe(0);
    expect(native.write(fd, "null", into)).toBe(10);
    native.close(fd);
  });
});

describe("terminals", () => {
  test("are read and written without waiting, and stay as they were", async () => {
    const [master, slave] = await openPty(dir, "raw");
    const into = Buffer.alloc(100);
    expect(native.peek(slave, "tty", 0, into)).toBe(ENOTSUP);
    expect(native.read(slave, "tty", into)).toBe(EAGAIN);
    native.write(master, "other", b("typed"));
    await until("input", () => native.readable(slave) === 5);
    expect(native.read(slave, "tty", into)).toBe(5);
    expect(native.write(slave, "tty", b("shown"))).toBe(5);
    await until("output", () => native.readable(master) === 5);
    expect(native.read(master, "other", into)).toBe(5);
    expect(native.read(master, "other", into)).toBe(EAGAIN);
    let n = 0;
    while (n >= 0) n = native.write(slave, "tty", Buffer.alloc(4096, "x"));
    expect(n).toBe(EAGAIN);
    expect(isNonBlocking(slave)).toBe(false);
    const hangup = new Promise<number>((resolve) => native.watch(slave, IN, resolve));
    native.close(master);
    expect((await hangup) & HUP).toBe(HUP);
    native.close(slave);
  });
});
