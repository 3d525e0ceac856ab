import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Decoder } from "../../src/mux/decode.js";
import { encodeFrame, u32 } from "../../src/mux/encode.js";
import { Environment } from "../../src/mux/environment.js";
import { LinkFault } from "../../src/mux/errors.js";
import { type Frame, Refusal, Type } from "../../src/mux/frame.js";
import type { OpenFile } from "../../src/mux/open-file.js";
import { PreambleFinder, preamble } from "../../src/mux/preamble.js";
import { decodeSpec, encodeSpec, type JobSpec } from "../../src/mux/spec.js";
import { decodeRefused, decodeStatus, encodeRefused, encodeStatus } from "../../src/mux/status.js";

const bytes = (max = 64) => fc.uint8Array({ maxLength: max }).map((a) => Buffer.from(a));
const text = () => bytes().map((b) => Buffer.from(b.map((v) => (v === 0 ? 1 : v))));
const path = () => text().map((b) => Buffer.concat([Buffer.from("/"), b]));
const u64 = () => fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
const source = () => fc.record({ path: path(), ino: u64(), size: u64(), mtimeNs: u64(), offset: u64() });
/** Kinds and the ways in which each may be opened; then descriptors are dealt out to them. */
const openings = fc.constantFrom(
  [0, 1],
  [0, 2],
  [0, 3],
  [1, 1],
  [1, 6],
  [2, 3],
  [3, 1],
  [4, 5],
  [5, 1],
  [5, 2],
  [6, 3],
);
const terminal = () => fc.uint8Array({ minLength: 44, maxLength: 44 }).map((array) => Buffer.from(array));
const anyFiles: fc.Arbitrary<OpenFile[]> = fc
  .tuple(
    fc.uniqueArray(fc.nat(255), { maxLength: 16 }),
    fc.array(fc.tuple(openings, source(), terminal()), { minLength: 16, maxLength: 16 }),
    fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 16, maxLength: 16 }),
  )
  .map(([fds, kinds, sizes]) => {
    const sorted = fds.sort((a, b) => a - b);
    return kinds.flatMap(([[use = 0, mode = 0], from, state], i) => {
      const mine = sorted.splice(0, sizes[i]);
      const more = { source: use === 3 ? from : undefined, terminal: use === 6 ? state : undefined };
      return mine.length === 0 ? [] : [{ use, mode, fds: mine, ...more }];
    });
  });
const spec: fc.Arbitrary<JobSpec> = fc.record({
  flags: fc.nat(1),
  waitMs: fc.nat(100_000),
  memoryMb: fc.nat(100_000),
  umask: fc.nat(0o777),
  nice: fc.integer({ min: -20, max: 19 }),
  ioPriority: fc.nat(0xffff),
  ignored: u64(),
  blocked: u64(),
  rlimits: fc.array(fc.tuple(u64(), u64()), { maxLength: 16 }),
  files: anyFiles,
  compat: fc.string(),
  identity: fc.string(),
  cwd: path(),
  path: path(),
  argv: fc.array(text()),
  env: fc.array(text()).map((all) => Environment.of(all)),
  claims: fc.array(
    fc.record({ kind: fc.nat(3), dev: u64(), ino: u64(), size: u64(), mtimeNs: u64(), path: path() }),
    { minLength: 1, maxLength: 33 },
  ),
});

function decodeAll(from: "home" | "agent", chunks: readonly Buffer[]): Frame[] {
  const frames: Frame[] = [];
  const decoder = new Decoder(from);
  for (const chunk of chunks) decoder.push(chunk, (frame) => frames.push(frame));
  return frames;
}

/** Cuts bytes at the given places. */
function cut(whole: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.map((n) => n % (whole.length + 1)).sort((a, b) => a - b), whole.length];
  return places.slice(1).map((end, i) => whole.subarray(places[i] ?? 0, end));
}

/** Anything but the typed error is a fault of ours. */
function onlyFaults(act: () => unknown): void {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(LinkFault);
  }
}

describe("frames", () => {
  it("have these bytes", () => {
    expect(encodeFrame(Type.PING, 0, 0, Buffer.alloc(0)).toString("hex")).toBe("010000000000000000000000");
    expect(encodeFrame(Type.DATA, 1, 7, Buffer.from("hi")).toString("hex")).toBe(
      "300100000700000002000000" + "6869",
    );
    expect(encodeFrame(Type.CREDIT, 2, 0x01020304, u32(65536)).toString("hex")).toBe(
      "320200000403020104000000" + "00000100",
    );
    expect(encodeFrame(Type.SIGNAL, 0, 1, u32(0x102)).toString("hex")).toBe(
      "110000000100000004000000" + "02010000",
    );
    expect(preamble("0a1b").toString()).toBe("PANTS1 0a1b\n");
  });

  it("come out as they went in, however the bytes are cut: data in pieces, all else whole", () => {
    const frame = fc.record({
      type: fc.constantFrom(Type.DATA, Type.DATA, Type.RETURN, Type.EOF),
      flags: fc.nat(2),
      stream: fc.integer({ min: 1, max: 0xffffffff }),
      payload: bytes(300),
    });
    type Plain = Pick<Frame, "type" | "flags" | "stream" | "payload">;
    const words = (frames: readonly Plain[]): string[] =>
      frames.flatMap((f) => {
        const name = [f.type, f.flags, f.stream].join(" ");
        if (f.type !== Type.DATA) return `${name} ${f.payload.toString("hex")}`;
        return [...f.payload].map((byte) => `${name} ${byte}`);
      });
    fc.assert(
      fc.property(fc.array(frame), fc.array(fc.nat()), (frames, at) => {
        const sent = frames
          .map((f) => ({
            ...f,
            payload: f.payload.subarray(0, f.type === Type.EOF ? 0 : f.type === Type.RETURN ? 64 : 300),
          }))
          .filter((f) => f.payload.length > 0 || f.type === Type.EOF);
        const whole = Buffer.concat(sent.map((f) => encodeFrame(f.type, f.flags, f.stream, f.payload)));
        expect(words(decodeAll("agent", cut(whole, at)))).toEqual(words(sent));
      }),
    );
  });

  it.each([
    ["an unknown type", "ff0000000100000000000000", "type"],
    ["a type of the other end", "210000000100000034000000", "type"],
    ["flags that its type does not have", "100200000100000001000000", "flags"],
    ["reserved bytes", "300000010100000001000000", "flags"],
    ["a job's frame on the link's stream", "300000000000000001000000", "stream"],
    ["a link's frame on a job's stream", "010000000100000000000000", "stream"],
    ["too long a payload", "300000000100000001000400", "length"],
    ["no payload where one must be", "300000000100000000000000", "length"],
  ])("with %s end the link", (_, hex, code) => {
    try {
      decodeAll("home", [Buffer.from(hex, "hex")]);
      expect.unreachable();
    } catch (error) {
      expect((error as LinkFault).code).toBe(code);
    }
  });

  it("that somebody made up never do worse than end the link", () => {
    fc.assert(fc.property(bytes(400), (noise) => onlyFaults(() => decodeAll("home", [noise]))));
  });
});

describe("a job specification", () => {
  it("arrives as it was sent", () => {
    fc.assert(
      fc.property(spec, (sent) => {
        expect(decodeSpec(encodeSpec(sent))).toEqual(sent);
      }),
    );
  });

  it("arrives whole whatever its length: the writer's buffer grows in the middle of anything", () => {
    const [one] = fc.sample(spec, 1);
    if (one === undefined) throw new Error("no specification");
    for (let length = 7800; length <= 8300; length++) {
      const long = { ...one, argv: [Buffer.alloc(length, 1), Buffer.alloc(20_000, 2), Buffer.alloc(300, 3)] };
      const { argv, claims } = decodeSpec(encodeSpec(long));
      expect(argv.every((arg, i) => long.argv[i]?.equals(arg))).toBe(true);
      expect(claims).toHaveLength(long.claims.length);
    }
  });

  it("damaged on the way never does worse than end the link", () => {
    fc.assert(
      fc.property(
        spec,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1 }),
        fc.nat(),
        (sent, hits, keep) => {
          const whole = Buffer.from(encodeSpec(sent));
          for (const [at, value] of hits) whole[at % whole.length] = value;
          onlyFaults(() => decodeSpec(whole));
          onlyFaults(() => decodeSpec(whole.subarray(0, keep % whole.length)));
        },
      ),
    );
  });
});

describe("outcomes", () => {
  it("arrive as they were sent", () => {
    const status = fc.record({
      status: fc.integer(),
      userUs: fc.maxSafeNat(),
      systemUs: fc.maxSafeNat(),
      maxRssKb: fc.maxSafeNat(),
      inBlocks: fc.maxSafeNat(),
      outBlocks: fc.maxSafeNat(),
      consumed: fc.maxSafeNat(),
    });
    fc.assert(
      fc.property(fc.oneof(status), (sent) => {
        const signed = { ...sent, status: sent.status | 0 };
        expect(decodeStatus(encodeStatus(signed))).toEqual(signed);
      }),
    );
    const changed = Buffer.from("a\0sub/b c\0");
    const sent = { status: 0, userUs: 1, systemUs: 2, maxRssKb: 3, inBlocks: 4, outBlocks: 5, consumed: 6 };
    expect(decodeStatus(encodeStatus({ ...sent, changed }))).toEqual({ ...sent, changed });
    expect(() => decodeStatus(encodeStatus({ ...sent, changed: Buffer.from("a\0b") }))).toThrow(LinkFault);
    const refused = { reason: 5, text: "program /usr/bin/gcc is another one there" };
    expect(decodeRefused(encodeRefused(refused))).toEqual(refused);
    const full = { reason: Refusal.MEMORY, text: "full: no 640 MiB of memory are left there", leftMb: 512 };
    expect(decodeRefused(encodeRefused(full))).toEqual(full);
    expect(() => decodeRefused(Buffer.from([Refusal.MEMORY, 1]))).toThrow(LinkFault);
    expect(encodeRefused({ reason: 1, text: "é".repeat(5000) }).length).toBeLessThanOrEqual(1024);
  });
});

describe("the agent's first line", () => {
  it("is found behind whatever a login prints, and only that of this link", () => {
    const finder = new PreambleFinder("abc");
    expect(finder.push(Buffer.from("Welcome!\nPANTS1 fff\nPAN"))).toBeUndefined();
    expect(finder.push(Buffer.from("TS1 abc\nrest"))?.toString()).toBe("rest");
  });

  it("is not waited for without end", () => {
    const finder = new PreambleFinder("abc");
    expect(() => finder.push(Buffer.alloc(65_537, "x"))).toThrow(LinkFault);
  });
});
