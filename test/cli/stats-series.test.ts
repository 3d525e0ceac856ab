import { describe, expect, it } from "vitest";
import { parseSince } from "../../src/cli/commands/log.js";
import { overall, series, spread } from "../../src/cli/stats-series.js";
import { indexNames, nothingMeasured } from "../../src/core/indices.js";
import type { LoadEntry } from "../../src/io/load-record.js";

const none = Object.fromEntries(indexNames.map((name) => [name, null])) as LoadEntry["thresholds"];
const entry = (timeMs: number, cpu: number | null, intervalMs = 1000): LoadEntry => ({
  timeMs,
  intervalMs,
  sample: { ...nothingMeasured, cpu },
  ...{ busy: false, lends: true, cause: null, value: 0, threshold: 0, taken: 0, guests: 0, total: 1 },
  ...{ policy: "cpu", role: "free", thresholds: none },
});

describe("statistics over hosts", () => {
  it("are of each host's mean in each stretch of time", () => {
    const records = [
      { host: "a", entries: [entry(1000, 10), entry(2000, 30), entry(6000, 50)] },
      { host: "b", entries: [entry(1500, 40), entry(2000, null), entry(7000, 100, 2000)] },
      { host: "c", entries: [] },
    ];
    const points = series(records, 5000);
    expect(points).toEqual([
      { timeMs: 0, indices: { cpu: { mean: 30, deviation: 10, min: 20, max: 40, hosts: 2 } } },
      { timeMs: 5000, indices: { cpu: { mean: 75, deviation: 25, min: 50, max: 100, hosts: 2 } } },
    ]);
    expect(overall(points)).toEqual({ cpu: { mean: 52.5, deviation: 17.5, min: 20, max: 100, hosts: 2 } });
    expect(overall([])).toEqual({});
    expect(spread([7])).toEqual({ mean: 7, deviation: 0, min: 7, max: 7, hosts: 1 });
  });

  it("count a host that is sampled seldom in each stretch that its interval covers", () => {
    const often = Array.from({ length: 15 }, (_, n) => entry(1000 * (n + 1), 10));
    const records = [
      { host: "a", entries: often },
      // From 1.6 s to 13.6 s, and what came before and after it.
      { host: "b", entries: [entry(1600, 40), entry(13_600, 100, 12_000), entry(14_600, 50)] },
    ];
    const means = series(records, 5000).map(({ timeMs, indices }) => [timeMs, indices.cpu?.mean]);
    const ofB = (40 * 1000 + 100 * 3400) / 4400;
    expect(means).toEqual([
      [0, (10 + ofB) / 2],
      [5000, 55],
      [10_000, (10 + (100 * 3600 + 50 * 1000) / 4600) / 2],
    ]);
  });

  it("begin at a time ago, or at a time", () => {
    expect(parseSince("90s", 100_000)).toBe(10_000);
    expect(parseSince("1.5m", 100_000)).toBe(10_000);
    expect(parseSince("2026-01-31T12:00:00Z", 0)).toBe(Date.UTC(2026, 0, 31, 12));
    for (const wrong of ["", "soon", "5 m", "-3m"]) expect(() => parseSince(wrong, 0)).toThrow(/--since/);
  });
});
