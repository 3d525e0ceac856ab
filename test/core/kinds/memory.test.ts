/** What jobs used, and what that lets one expect. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WorkMemory } from "../../../src/core/kinds/memory.js";
import {
  durationMs,
  livesByDisk,
  memoryClass,
  type Need,
  type Use,
  wantedWords,
} from "../../../src/core/kinds/need.js";
import { shapeOf } from "../../../src/core/kinds/shape.js";
import { randomFrom } from "../../sim/random.js";

const use = (cpuMs: number, more: Partial<Use> = {}): Use => ({
  host: "a",
  cpuMs,
  wallMs: cpuMs,
  ioKb: 0,
  memoryMb: 20,
  ...more,
});

const need = (more: Partial<Need>): Need => ({
  cpuMs: 0,
  waitMs: 0,
  ownMs: 0,
  ioKb: 0,
  memoryMb: 0,
  ...more,
});

function taught(...uses: Use[]): WorkMemory {
  const memory = new WorkMemory();
  for (const one of uses) memory.learn(["shape", "program"], one);
  return memory;
}

describe("the shape of a command line", () => {
  it.each([
    ["gcc -O2 -c -o build/a.o src/a.c", "gcc -O2 -c -o build/deep/b.o other/b.c"],
    ["gcc -Iinclude -DX=1 -std=c11 -c a.c", "gcc -Ideep -DY -std=c17 -c b.c"],
    ["sort -k2 --parallel=4 big.txt", "sort -k2 --parallel=8 small.txt"],
  ])("%s is like %s", (one, other) => {
    const [a, b] = [one, other].map((line) => shapeOf("/bin/x", line.split(" ")));
    expect(a).toBe(b);
  });

  it("tells apart what is done, and to what", () => {
    const lines = ["gcc -c a.c", "gcc -O3 -c a.c", "gcc -c a.cpp", "gcc a.o b.o", "gcc -E a.c"];
    expect(new Set(lines.map((line) => shapeOf("/usr/bin/gcc", line.split(" ")))).size).toBe(lines.length);
    expect(shapeOf("/a", ["x", "-c"])).not.toBe(shapeOf("/b", ["x", "-c"]));
  });

  it("is short, whatever the command line", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (argv) => {
        expect(shapeOf("/p", argv).length).toBeLessThan(2 + 12 * 13);
      }),
    );
  });
});

describe("what is expected", () => {
  it("is nothing before three like jobs, nor when they are not alike", () => {
    expect(taught(use(100), use(100)).need(["shape"])).toBeNull();
    expect(taught(use(100), use(100), use(100)).need(["shape"])).toMatchObject({ cpuMs: 100, waitMs: 0 });
    const wild = taught(...Array.from({ length: 40 }, (_, n) => use(n % 8 === 0 ? 10_000 : 1)));
    expect(wild.need(["shape"])).toBeNull();
  });

  it("is by shape where that is known, else by program", () => {
    const memory = new WorkMemory();
    for (let n = 0; n < 5; n += 1) {
      memory.learn(["short", "program"], use(10));
      memory.learn(["long", "program"], use(12));
    }
    expect(memory.need(["short", "program"])?.cpuMs).toBeCloseTo(10);
    expect(memory.need(["new", "program"])?.cpuMs).toBeGreaterThan(10);
    expect(memory.need(["new", "other"])).toBeNull();
  });

  it("follows jobs that change, and keeps the most memory for long", () => {
    const memory = taught(...Array.from({ length: 20 }, () => use(100, { memoryMb: 900 })));
    for (let n = 0; n < 30; n += 1) memory.learn(["shape"], use(200, { memoryMb: 100 }));
    // Whether the jobs or their host have changed, one cannot tell from one host.
    expect(durationMs(memory.need(["shape"]) as Need, memory.speeds.speed("a"))).toBeGreaterThan(190);
    expect(memory.need(["shape"])?.memoryMb).toBeLessThan(200);
    memory.learn(["shape"], use(200, { memoryMb: 800 }));
    expect(memory.need(["shape"])?.memoryMb).toBe(800);
  });

  it("counts time without a CPU as computing, unless the job moved data or only waited", () => {
    const after = (more: Partial<Use>) =>
      taught(use(100, more), use(100, more), use(100, more)).need(["shape"]);
    expect(after({ wallMs: 400 })).toMatchObject({ cpuMs: 400, waitMs: 0, ownMs: 100 });
    expect(after({ wallMs: 400, ioKb: 20_000 })).toMatchObject({ cpuMs: 100, waitMs: 300 });
    expect(after({ wallMs: 5000 })).toMatchObject({ cpuMs: 100, waitMs: 4900 });
  });

  it("says what kind of work it is", () => {
    expect(livesByDisk(need({ cpuMs: 100, waitMs: 900, ioKb: 100_000 }))).toBe(true);
    expect(livesByDisk(need({ cpuMs: 900, waitMs: 100, ioKb: 100_000 }))).toBe(false);
    expect(livesByDisk(need({ cpuMs: 1, waitMs: 60_000, ioKb: 2000 }))).toBe(false);
    expect([10, 127, 128, 129, 600].map((memoryMb) => memoryClass(need({ memoryMb })))).toEqual([
      0, 0, 128, 144, 640,
    ]);
    expect(durationMs(need({ cpuMs: 1000, waitMs: 100 }), 4)).toBe(350);
    expect(wantedWords(need({ waitMs: 900, ioKb: 100_000, memoryMb: 300 }))).toBe(
      "an idle disk was wanted, 320 MiB of memory were wanted",
    );
    expect(wantedWords(need({ cpuMs: 50 }))).toBe("");
  });

  it("is kept over a restart, and junk is nothing", () => {
    const memory = taught(use(100), use(110), use(90), use(105, { host: "b" }));
    const again = new WorkMemory(JSON.parse(JSON.stringify(memory)));
    expect(again.need(["shape"])).toEqual(memory.need(["shape"]));
    expect(again.speeds.speed("b")).toBe(memory.speeds.speed("b"));
    fc.assert(
      fc.property(fc.anything(), (junk) => {
        const read = new WorkMemory({ seen: { shape: junk }, speeds: { a: junk }, meanMs: junk });
        expect(read.need(["shape"])).toBeNull();
        expect(read.speeds.speed("a")).toBeGreaterThan(0);
        new WorkMemory(junk);
      }),
    );
  });

  it("is bounded, and forgets what was not used for longest", () => {
    const memory = new WorkMemory();
    for (let n = 0; n < 5000; n += 1) memory.learn([`shape ${n}`, "program"], use(10, { host: `h${n}` }));
    expect(memory.size).toBe(1024);
    expect(memory.speeds.size).toBeLessThanOrEqual(256);
    expect(memory.need(["program"])?.cpuMs).toBeCloseTo(10);
  });
});

describe("how fast hosts are", () => {
  const speeds: Record<string, number> = { a: 1, b: 1, c: 2, d: 4 };

  /** Jobs of several lengths on hosts of those speeds, with noise. */
  function learned(jobs: number, noise = 0.15, seed = 1): WorkMemory {
    const random = randomFrom(seed);
    const memory = new WorkMemory();
    for (let n = 0; n < jobs; n += 1) {
      const host = "abcd"[Math.floor(random() * 4)] ?? "a";
      const kind = Math.floor(random() * 5);
      const cpuMs = ((kind + 1) * 200 * (1 + noise * (2 * random() - 1))) / (speeds[host] ?? 1);
      memory.learn([`kind ${kind}`], use(cpuMs, { host }));
    }
    return memory;
  }

  it("is learned from jobs alone, as ratios", () => {
    for (const seed of [1, 2, 3]) {
      const { speeds: found } = learned(300, 0.15, seed);
      const ratio = (x: string, y: string) => found.speed(x) / found.speed(y);
      expect(ratio("b", "a")).toBeGreaterThan(0.85);
      expect(ratio("b", "a")).toBeLessThan(1.18);
      expect(ratio("c", "a")).toBeGreaterThan(1.6);
      expect(ratio("c", "a")).toBeLessThan(2.4);
      expect(ratio("d", "a")).toBeGreaterThan(3);
      expect(ratio("d", "a")).toBeLessThan(5);
      expect(
        found
          .ranked()
          .map(({ host }) => host)
          .slice(0, 2),
      ).toEqual(["d", "c"]);
    }
  });

  it("prefers the fastest, in turn where several are", () => {
    const { speeds: found } = learned(300);
    expect(found.prefer(4, () => 0)).toEqual(["d", "c"]);
    const even = new WorkMemory();
    for (let n = 0; n < 100; n += 1)
      even.learn(["k"], use(n % 4 === 0 ? 100 : 50, { host: ["slow", "x", "y", "z"][n % 4] ?? "" }));
    const random = randomFrom(5);
    const firsts = Array.from({ length: 60 }, () => even.speeds.prefer(2, random)[0]);
    expect(new Set(firsts)).toEqual(new Set(["x", "y", "z"]));
  });

  it("prefers nobody where all are about as fast, or little is known", () => {
    const memory = new WorkMemory();
    for (let n = 0; n < 40; n += 1) memory.learn(["k"], use(100 + (n % 3), { host: n % 2 ? "a" : "b" }));
    expect(memory.speeds.prefer(4, () => 0)).toEqual([]);
    expect(taught(use(100), use(100), use(10, { host: "b" })).speeds.ranked()).toEqual([]);
  });

  it("learns of this host too, by what ran alone in its slot", () => {
    const memory = learned(300);
    const kind = memory.need(["kind 4"]) as Need;
    for (let n = 0; n < 40; n += 1) memory.ranHere(kind, kind.waitMs + kind.cpuMs / 2);
    expect(memory.speeds.speed("")).toBeCloseTo(2, 0);
    expect(memory.speeds.prefer(4, () => 0)).not.toContain("");
  });
});
