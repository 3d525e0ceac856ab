import { describe, expect, it } from "vitest";
import { Engine } from "./engine.js";
import { aloneMs, type HostModel, type Work } from "./model.js";

const host: HostModel = { cpus: 2, speed: 2, memoryMb: 1024, systemMb: 24, diskMbps: 100 };
const work: Work = {
  program: "p",
  shape: "",
  cpuMs: 10_000,
  ioMb: 500,
  memoryMb: 400,
  passes: 1,
  faults: 10,
};

/** When each ends, all started at once; the clock stops every `stepMs` too. */
function ends(works: readonly Work[], { stepMs = Number.POSITIVE_INFINITY, coarse = 1 } = {}): number[] {
  const engine = new Engine(host, 0, coarse);
  const at: number[] = [];
  for (const [index, one] of works.entries()) engine.start(one, index > 0, () => (at[index] = engine.now));
  for (let stop = stepMs; engine.running.size > 0; ) {
    engine.advance(Math.min(stop, engine.nextAt()));
    if (engine.now >= stop) stop += stepMs;
  }
  expect(engine.usage.diskMb - engine.usage.swapMb).toBeCloseTo(
    works.reduce((sum, { ioMb }) => sum + ioMb, 0),
    2,
  );
  expect(engine.usage.cpuMs * host.speed).toBeCloseTo(
    works.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    2,
  );
  return at;
}

const only = (part: Partial<Work>): Work => ({ ...work, cpuMs: 0, ioMb: 0, memoryMb: 0, ...part });

describe("a simulated host", () => {
  it("runs one program as fast as its CPU and its disk are", () => {
    expect(aloneMs(work, host)).toBe(10_000);
    expect(ends([work])[0]).toBeCloseTo(10_000, 3);
  });

  it("shares its CPUs evenly, one at most for each", () => {
    const [cpu, two] = [only({ cpuMs: 10_000 }), only({ cpuMs: 20_000 })];
    expect(ends([cpu, cpu])).toEqual([5000, 5000].map((ms) => expect.closeTo(ms, 3) as number));
    // Three on two CPUs until the short ones end.
    expect(ends([cpu, cpu, two])).toEqual([7500, 7500, 12_500].map((ms) => expect.closeTo(ms, 0) as number));
  });

  it("loses three tenths of its disk to two streams", () => {
    const reads = only({ ioMb: 700 });
    expect(ends([reads])[0]).toBeCloseTo(7000, 0);
    expect(ends([reads, reads])[1]).toBeCloseTo((2 * 7000) / 0.7, -2);
  });

  it("is many times slower when programs need more memory than it has", () => {
    const hungry = { ...work, cpuMs: 20_000, ioMb: 0, memoryMb: 700 };
    const [alone = 0] = ends([hungry]);
    const [both = 0] = ends([hungry, hungry]);
    expect(alone).toBeCloseTo(10_000, 0);
    // 400 of 1,400 MB are missed, so that each moves 2 x 200 MB for each second of its CPU time, on a disk for two.
    expect(both).toBeGreaterThan(10 * alone);
  });

  it("comes to the same however often it is looked at, and nearly so in coarse turns", () => {
    const mix = [work, { ...work, memoryMb: 700 }, only({ ioMb: 300 })];
    const fine = ends(mix);
    for (const [index, ms] of ends(mix, { stepMs: 37 }).entries())
      expect(ms).toBeCloseTo(fine[index] ?? 0, 1);
    for (const [index, ms] of ends(mix, { coarse: 10 }).entries())
      expect(Math.abs(ms / (fine[index] ?? 0) - 1)).toBeLessThan(0.15);
  });
});
