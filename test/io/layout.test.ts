/** src/io/layout.ts against native/include/pants.h, as the compiler sees it. */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { Cause } from "../../src/core/policy/policy.js";
import * as layout from "../../src/io/layout.js";
import {
  decodeMsg,
  decodeRun,
  decodeState,
  encodeMsg,
  encodeRun,
  encodeState,
  Index,
  isFresh,
  Msg,
  type Run,
  RunFlag,
  type State,
  Where,
  Why,
} from "../../src/io/layout.js";
import { Environment } from "../../src/mux/environment.js";
import { b, scratch } from "./support.js";

const include = join(import.meta.dirname, "../../native/include");
const header = readFileSync(join(include, "pants.h"), "latin1");
const dir = scratch();
const said = new Map<string, string>();

beforeAll(() => {
  const program = join(dir, "layout");
  const source = join(import.meta.dirname, "fixtures/layout.c");
  execFileSync("cc", ["-Wall", "-Wextra", "-Werror", `-I${include}`, source, "-o", program], {
    stdio: "inherit",
  });
  for (const line of execFileSync(program, { encoding: "latin1" }).trim().split("\n")) {
    const space = line.lastIndexOf(" ");
    said.set(line.slice(0, space), line.slice(space + 1));
  }
});

const sample = (name: string): Buffer => Buffer.from(said.get(`bytes.${name}`) ?? "", "hex");

/** All NAME = NUMBER of an enum, and #define NAME NUMBER, whose names start with a prefix. */
function named(prefix: string): Record<string, number> {
  const found = header.matchAll(new RegExp(`\\b${prefix}(\\w+)(?: =)? (0x[0-9a-f]+|\\d+)u?\\b`, "gi"));
  return Object.fromEntries([...found].map(([, name = "", value]) => [name, Number(value)]));
}

const state: State = {
  seq: 0xffff_fffe,
  intervalMs: 1000,
  writtenNs: 0x0102030405060708n,
  busy: true,
  index: Index.CTXT,
  remote: true,
  sleeping: 3,
  slotsTotal: 17,
  remoteAfterNs: 0x1122334455667788n,
  pid: 4242,
  indexValue: 9876,
  indexThreshold: 9500,
  availableMb: 12_345,
  place: 0xfedc_ba98,
};

const run: Run = {
  flags: RunFlag.IDEMPOTENT | RunFlag.BUSY,
  umask: 0o27,
  fds: [0, 2, 255],
  nice: -3,
  ignored: (1n << 63n) | 1n,
  blocked: 1n << 12n,
  rlimits: Array.from({ length: 16 }, (_, i) => [BigInt(i), 0xffff_ffff_ffff_ffffn - BigInt(i)] as const),
  cwd: b("/home/u"),
  path: b("/usr/bin/gcc"),
  host: b(""),
  after: b("b 7"),
  argv: [b("gcc"), b("-c")],
  env: Environment.of([b("A=1")]),
};

describe("the header and this side agree", () => {
  test("on every constant", () => {
    const ours: Record<string, unknown> = layout;
    for (const [name, value] of said) {
      if (!/^[A-Z_]+$/.test(name)) continue;
      expect([name, ours[name]]).toEqual([name, Number(value)]);
    }
    expect(said.get("sizeof table")).toBe(String(64 + 8 * 256 + 512 * 192));
  });

  test("on every reason, index, place, message and flag", () => {
    expect(named("PANTS_INDEX_")).toEqual(Index);
    expect(named("PANTS_WHERE_")).toEqual(Where);
    expect(named("PANTS_WHY_")).toEqual({ ...Why, CAPACITY: layout.WHY_CAPACITY });
    expect(named("PANTS_RUN_")).toEqual({ ...RunFlag, FIXED: layout.RUN_FIXED });
    const messages = named("PANTS_MSG_");
    for (const [name, value] of Object.entries(Msg)) expect([name, messages[name]]).toEqual([name, value]);
    const others = ["MAGIC", "VERSION", "LENGTH_MAX"];
    expect(Object.keys(messages).filter((name) => !others.includes(name))).toEqual(Object.keys(Msg));
  });

  test("on the state record", () => {
    expect(encodeState(state).toString("hex")).toBe(sample("state").toString("hex"));
    expect(decodeState(sample("state"))).toEqual(state);
  });

  test("on a message", () => {
    expect(encodeMsg(Msg.STARTED, 0x8000_0002, b("a 1")).toString("hex")).toBe(sample("msg").toString("hex"));
    expect(decodeMsg(sample("msg"))).toEqual({ type: Msg.STARTED, length: 3, value: 0x8000_0002 });
  });

  test("on the request to run", () => {
    expect(encodeRun(run).toString("hex")).toBe(sample("run").toString("hex"));
    expect(decodeRun(sample("run"))).toEqual(run);
  });
});

describe("every reason and index", () => {
  test("has words", () => {
    for (const reason of Object.values(Why))
      if (reason !== Why.NONE) expect(layout.whyWords(reason)).toMatch(/[a-z]{3}/);
    expect(Object.keys(Index).map((name) => name.toLowerCase().replace("_", "-"))).toEqual([
      "none",
      ...Object.values(Index).slice(1).map(layout.indexName),
    ]);
    expect(layout.indexName(0)).toBe("");
    expect([null, "cpu", "owner"].map((what) => layout.indexOf(what as Cause | null))).toEqual([
      0,
      1,
      Index.OWNER,
    ]);
    expect(layout.whyWords(99)).toBe("reason 99");
    expect(layout.indexName(99)).toBe("index 99");
  });
});

describe("the state record", () => {
  test("is nothing when torn, strange or short", () => {
    const bytes = encodeState(state);
    for (const at of [0, 4, 6, 8, 60]) {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
      expect(decodeState(damaged)).toBe(null);
    }
    expect(decodeState(bytes.subarray(0, 63))).toBe(null);
    expect(decodeState(Buffer.alloc(0))).toBe(null);
  });

  test("is stale after three intervals", () => {
    expect(isFresh({ ...state, writtenNs: 5n }, 3_000_000_005n)).toBe(true);
    expect(isFresh({ ...state, writtenNs: 5n }, 3_000_000_006n)).toBe(false);
  });

  test("holds any measurement", () => {
    for (const [value, kept] of [
      [-1, 0],
      [Number.NaN, 0],
      [1e20, 0xffff_ffff],
      [12.6, 13],
    ] as const) {
      expect(decodeState(encodeState({ ...state, indexValue: value }))?.indexValue).toBe(kept);
    }
  });
});

const bytes = (max: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength: max }).map((array) => Buffer.from(array));
const text = fc.uint8Array({ maxLength: 20, min: 1 }).map((array) => Buffer.from(array));
const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
const u32 = fc.nat({ max: 0xffff_ffff });
const anyRun: fc.Arbitrary<Run> = fc.record({
  flags: u32,
  umask: u32,
  fds: fc.uniqueArray(fc.nat({ max: 255 }), { maxLength: 16 }).map((fds) => fds.sort((a, b) => a - b)),
  nice: fc.integer(),
  ignored: u64,
  blocked: u64,
  rlimits: fc.array(fc.tuple(u64, u64), { minLength: 16, maxLength: 16 }),
  cwd: text,
  path: text,
  host: text,
  after: text,
  argv: fc.array(text, { maxLength: 5 }),
  env: fc.array(text, { maxLength: 5 }).map((all) => Environment.of(all)),
});

describe("decoders", () => {
  test("give back what was encoded", () => {
    fc.assert(
      fc.property(anyRun, (value) => {
        expect(decodeRun(encodeRun(value))).toEqual(value);
      }),
    );
    fc.assert(
      fc.property(fc.nat({ max: 0xffff }), u32, bytes(50), (type, value, payload) => {
        expect(decodeMsg(encodeMsg(type, value, payload))).toEqual({ type, value, length: payload.length });
      }),
    );
  });

  test("take any bytes without a throw", () => {
    fc.assert(
      fc.property(bytes(600), (any) => {
        decodeRun(any);
        decodeMsg(any);
        decodeState(any);
      }),
    );
  });

  test("refuse every cut, every addition, and counts that lie", () => {
    fc.assert(
      fc.property(anyRun, fc.nat(), fc.nat({ max: 0xffff_ffff }), (value, cut, lie) => {
        const whole = encodeRun(value);
        expect(decodeRun(whole.subarray(0, cut % whole.length))).toBe(null);
        expect(decodeRun(Buffer.concat([whole, b("x")]))).toBe(null);
        const strings = value.argv.length + value.env.count;
        const liar = Buffer.from(whole);
        liar.writeUInt32LE(lie, 12);
        if (lie + value.env.count !== strings) expect(decodeRun(liar)).toBe(null);
      }),
    );
    expect(decodeRun(encodeRun({ ...run, argv: [b("a\0b")] }))).toBe(null);
    expect(decodeRun(encodeRun({ ...run, env: Environment.of([b("A=1"), b("a\0b")]) }))).toBe(null);
    expect(decodeMsg(encodeMsg(1).subarray(0, 15))).toBe(null);
    const long = encodeMsg(1);
    long.writeUInt32LE(layout.MSG_LENGTH_MAX + 1, 8);
    expect(decodeMsg(long)).toBe(null);
    expect(() => encodeMsg(1, 0, Buffer.alloc(layout.MSG_LENGTH_MAX + 1))).toThrow(RangeError);
  });
});
