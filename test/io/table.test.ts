/** The slot table and the record of decisions, shared by processes that may die at any moment. */
import { closeSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { Index, SLOT_CAPACITY, WHY_CAPACITY, Where, Why } from "../../src/io/layout.js";
import { native, type WhyRecord } from "../../src/io/native.js";
import { b, ended, run, scratch, shell } from "./support.js";

const EINVAL = -22;
const addon = join(import.meta.dirname, "../../build/Release/pants.node");
const dir = scratch();
let serial = 0;
const fresh = (): string => join(dir, `slots${serial++}`);
afterEach(() => native.tableClose());

const record: WhyRecord = {
  pid: 42,
  uid: 1000,
  where: Where.REMOTE,
  reason: Why.REMOTE_FULL,
  index: Index.CPU,
  durationMs: 1234,
  status: -1,
  host: "b",
  program: "/usr/bin/gcc",
  detail: "because",
};

test("made whole with its mode, opened again, refused when it is something else", () => {
  const path = fresh();
  expect(native.tableOpen(path, 0, 0o666)).toBe(-2);
  const before = process.umask(0o77);
  expect(native.tableOpen(path, 3, 0o666)).toBe(0);
  process.umask(before);
  expect(statSync(path).mode & 0o777).toBe(0o666);
  expect(native.tableTotal()).toBe(3);
  native.tableSetTotal(5);
  expect(native.tableOpen(path, 0, 0o666)).toBe(0);
  expect(native.tableTotal()).toBe(5);
  native.tableSetTotal(100_000);
  expect(native.tableTotal()).toBe(SLOT_CAPACITY);

  const broken = readFileSync(path);
  for (const damage of [Buffer.alloc(0), broken.subarray(1), Buffer.alloc(broken.length)]) {
    writeFileSync(path, damage);
    expect(native.tableOpen(path, 3, 0o666)).toBe(EINVAL);
  }
  broken.writeUInt16LE(9, 4);
  writeFileSync(path, broken);
  expect(native.tableOpen(path, 3, 0o666)).toBe(EINVAL);
  expect(native.slotTake(false)).toBe(-1);
});

test("slots are taken up to the total and come back", () => {
  native.tableOpen(fresh(), 2, 0o600);
  const [one, two, three] = [native.slotTake(false), native.slotTake(true), native.slotTake(false)];
  expect([one, two, three]).toEqual([0, 1, -1]);
  expect(native.slotCounts()).toMatchObject({ taken: 2, guests: 1 });
  expect(native.slotWords()).toEqual([
    { pid: process.pid, lent: 0, pending: true, guest: false },
    { pid: process.pid, lent: 0, pending: true, guest: true },
  ]);
  native.slotRelease(0);
  native.slotRelease(-1);
  native.slotRelease(9999);
  expect(native.slotTake(false)).toBe(0);
});

test("a program holds its slot from its first instruction, and loses it with its life", async () => {
  const path = fresh();
  native.tableOpen(path, 2, 0o600);
  const slot = native.slotTake(true);
  // The program reads its own word: od of the first slot, at 64.
  const { output } = await run(shell(`od -An -tu8 -j64 -N8 ${path}; echo $$`, { slot }));
  const [word = "", pid = ""] = output.trim().split("\n");
  expect(BigInt(word)).toBe(BigInt(pid) | (1n << 49n));
  expect(native.slotCounts()).toMatchObject({ taken: 0, guests: 0 });
});

test("a program that cannot start gives its slot back", () => {
  native.tableOpen(fresh(), 1, 0o600);
  for (const wrong of [{ path: b("/nonexistent") }, { cwd: b("/nonexistent") }, { argv: [b("\0")] }]) {
    const slot = native.slotTake(true);
    expect(slot).toBe(0);
    expect(native.spawn(shell("", { ...wrong, slot }))).toBeLessThan(0);
  }
  expect(native.slotCounts()).toMatchObject({ taken: 0, guests: 0 });
});

test("a slot is released by its holder's pid", async () => {
  native.tableOpen(fresh(), 1, 0o600);
  const pid = native.spawn(shell("exec sleep 100", { slot: native.slotTake(true) }));
  expect(native.slotCounts()).toMatchObject({ taken: 1, guests: 1 });
  native.slotReleasePid(1);
  native.slotReleasePid(0);
  expect(native.slotCounts().taken).toBe(1);
  native.slotReleasePid(pid);
  expect(native.slotCounts().taken).toBe(0);
  const end = ended(pid);
  native.kill(pid, 9);
  await end;
});

test("processes that fight for slots never hold more than there are", async () => {
  const path = fresh();
  native.tableOpen(path, 3, 0o600);
  const script = `
    const native = require(${JSON.stringify(addon)});
    native.tableOpen(${JSON.stringify(path)}, 0, 0);
    let most = 0, took = 0;
    const end = Date.now() + 300;
    while (Date.now() < end) {
      const slot = native.slotTake(false);
      if (slot < 0) continue;
      took++;
      most = Math.max(most, native.slotWords().filter((w) => w.pid === process.pid).length, native.slotCounts().taken);
      native.slotRelease(slot);
    }
    console.log(most, took > 0);`;
  const node = { path: b(process.execPath), argv: [b("node"), b("-e"), b(script)] };
  const outputs = await Promise.all(Array.from({ length: 5 }, () => run(shell("", node))));
  for (const { output } of outputs) {
    expect(Number(output.split(" ")[0])).toBeLessThanOrEqual(3);
    expect(output).toContain("true");
  }
  expect(native.slotCounts().taken).toBe(0);
});

test("decisions are read newest first, as far back as the ring goes", () => {
  native.tableOpen(fresh(), 1, 0o600);
  expect(native.whyRead(10)).toEqual([]);
  for (let i = 0; i < WHY_CAPACITY + 10; i++) native.why({ ...record, pid: i });
  const read = native.whyRead(10_000);
  expect(read.length).toBe(WHY_CAPACITY);
  expect(read[0]).toMatchObject({ ...record, pid: WHY_CAPACITY + 9, seq: WHY_CAPACITY + 10 });
  expect(read.at(-1)?.seq).toBe(11);
  expect(native.bootTimeNs() - (read[0]?.timeNs ?? 0n)).toBeLessThan(10_000_000_000n);
  expect(native.whyRead(2).map((r) => r.pid)).toEqual([WHY_CAPACITY + 9, WHY_CAPACITY + 8]);
  expect(native.whyRead(0)).toEqual([]);
});

test("long texts are cut, a program's at its front", () => {
  native.tableOpen(fresh(), 1, 0o600);
  const long = `/${"d".repeat(100)}/program`;
  native.why({ ...record, program: long, host: "h".repeat(100), detail: "x".repeat(100), status: 139 });
  const [read] = native.whyRead(1);
  expect(read).toMatchObject({
    program: long.slice(-63),
    host: "h".repeat(31),
    detail: "x".repeat(55),
    status: 139,
  });
});

test("a record that is being written is left out", () => {
  const path = fresh();
  native.tableOpen(path, 1, 0o600);
  for (let i = 0; i < 3; i++) native.why({ ...record, pid: i });
  const bytes = readFileSync(path);
  bytes.writeBigUInt64LE(0n, 64 + 8 * SLOT_CAPACITY + 192);
  writeFileSync(path, bytes);
  expect(native.whyRead(10).map((r) => r.pid)).toEqual([2, 0]);
});

test("a lock is held once, whoever asks", () => {
  const path = join(dir, "lock");
  const fd = native.lockFile(path);
  expect(fd).toBeGreaterThan(0);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(native.lockFile(path)).toBe(-11);
  native.close(fd);
  const again = native.lockFile(path);
  expect(again).toBeGreaterThan(0);
  native.close(again);
});

test("programs beside the slots are counted by themselves, and are no slots", () => {
  const path = fresh();
  native.tableOpen(path, 1, 0o600);
  expect(native.slotCounts()).toEqual({ taken: 0, guests: 0, beside: 0, besideTotal: 1 });
  native.tableSetBeside(3);
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(process.pid));
  const fd = openSync(path, "r+");
  writeSync(fd, bytes, 0, 8, 64 + 8);
  bytes.writeBigUInt64LE(4194303n);
  writeSync(fd, bytes, 0, 8, 64 + 16);
  closeSync(fd);
  expect(native.slotCounts()).toEqual({ taken: 0, guests: 0, beside: 1, besideTotal: 3 });
  expect(native.slotTake(false)).toBe(0);
  expect(native.slotTake(false)).toBe(-1);
  native.tableSetTotal(256);
  expect(native.slotCounts().besideTotal).toBe(0);
});
