/** The plan of long jobs: what it may never do, and that it comes near the best that there is. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { durationMs, type Need, takes } from "../../src/core/kinds/need.js";
import { Plan } from "../../src/helper/plan.js";
import { type Place, type Planned, timeline } from "../../src/helper/timeline.js";

const computing = (cpuMs: number, memoryMb = 0): Need => ({
  cpuMs,
  waitMs: 0,
  ownMs: cpuMs,
  ioKb: 0,
  memoryMb,
});
const disk = (waitMs: number): Need => ({ cpuMs: 100, waitMs, ownMs: 100, ioKb: 100 * waitMs, memoryMb: 0 });
const job = (id: number, need: Need, excluded: string[] = [], away = false): Planned => ({
  id,
  need,
  takes: takes(need),
  excluded: new Set(excluded),
  away,
});
const place = (host: string, more: Partial<Place> = {}): Place => ({
  host,
  speed: 1,
  slots: 2,
  besides: false,
  memoryMb: Number.POSITIVE_INFINITY,
  disk: true,
  running: [],
  ...more,
});
const ids = (jobs: readonly Planned[] | undefined): number[] => (jobs ?? []).map(({ id }) => id);

describe("jobs on one host, in their order", () => {
  const first = (jobs: Planned[], more: Partial<Place> = {}): number[] =>
    ids(timeline(place("a", more), jobs, 1000).first);

  it("start when there is a slot; who runs there is counted", () => {
    const three = [1, 2, 3].map((id) => job(id, computing(1000 * id)));
    const line = timeline(place("a"), three, 1000);
    expect(ids(line.first)).toEqual([1, 2]);
    expect([line.endsAt, line.lastEndsAt, line.flowMs]).toEqual([5000, 5000, 1000 + 2000 + 4000]);
    expect(timeline(place("a", { speed: 2 }), three, 1000).endsAt).toBe(3000);
    const runs = { endsAt: 9000, memoryMb: 0, io: false };
    expect(first(three, { running: [runs] })).toEqual([1]);
    expect(first(three, { running: [runs, runs] })).toEqual([]);
  });

  it("that live by the disk start one at a time, beside the slots of this host", () => {
    const jobs = [job(1, disk(5000)), job(2, disk(5000)), job(3, computing(1000)), job(4, computing(1000))];
    expect(first(jobs)).toEqual([1, 3]);
    expect(first(jobs, { besides: true })).toEqual([1, 3, 4]);
    expect(first(jobs, { running: [{ endsAt: 2000, memoryMb: 0, io: true }] })).toEqual([3]);
    expect(timeline(place("a", { disk: false }), jobs, 0).endsAt).toBe(Number.POSITIVE_INFINITY);
  });

  it("wait for memory, and never start where there is not enough", () => {
    const jobs = [job(1, computing(9000, 600)), job(2, computing(9000, 600)), job(3, computing(9000, 200))];
    expect(first(jobs, { memoryMb: 900 })).toEqual([1, 3]);
    expect(timeline(place("a", { memoryMb: 500 }), jobs, 0).endsAt).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("a plan", () => {
  it("puts the long jobs on the fast host, and leaves a slow one idle when that ends sooner", () => {
    const hosts = [place("fast", { speed: 4, slots: 1 }), place("slow", { slots: 1 })];
    const plan = (...cpuMs: number[]) =>
      new Plan().make(
        cpuMs.map((ms, id) => job(id, computing(ms))),
        hosts,
        0,
      );
    const two = plan(4000, 40_000);
    expect([ids(two.get("fast")), ids(two.get("slow"))]).toEqual([[1], [0]]);
    const same = plan(40_000, 40_000);
    expect(ids(same.get("fast"))).toHaveLength(1);
    expect(ids(same.get("slow"))).toEqual([]);
  });

  it("keeps to what a job may not", () => {
    const hosts = [place(""), place("a")];
    const jobs = [
      job(1, computing(5000), ["a"]),
      job(2, computing(5000), [], true),
      job(3, computing(5000), ["a"], true),
    ];
    const starts = new Plan().make(jobs, hosts, 0);
    expect([ids(starts.get("")), ids(starts.get("a"))]).toEqual([[1], [2]]);
  });

  const aNeed = fc.oneof(
    fc.integer({ min: 2000, max: 60_000 }).map((ms) => computing(ms)),
    fc.integer({ min: 2000, max: 30_000 }).map(disk),
    fc
      .tuple(fc.integer({ min: 2000, max: 30_000 }), fc.integer({ min: 128, max: 900 }))
      .map(([ms, mb]) => computing(ms, mb)),
  );
  const somePlaces = fc
    .array(
      fc.record({
        speed: fc.constantFrom(0.5, 1, 2, 4),
        slots: fc.integer({ min: 1, max: 3 }),
        disk: fc.boolean(),
      }),
      {
        minLength: 1,
        maxLength: 5,
      },
    )
    .map((all) =>
      all.map((one, n) => place(n === 0 ? "" : `h${n}`, { ...one, memoryMb: 1000, besides: n === 0 })),
    );

  it("never starts more on a host than it can take, nor a job twice", () => {
    fc.assert(
      fc.property(fc.array(aNeed, { maxLength: 30 }), somePlaces, (needs, places) => {
        const jobs = needs.map((need, id) => job(id, need));
        const started = new Plan().make(jobs, places, 0);
        const all = [...started.values()].flat();
        expect(new Set(all).size).toBe(all.length);
        for (const { host, slots, besides, memoryMb, disk: idle } of places) {
          const wants = (started.get(host) ?? []).map(({ need }) => takes(need));
          const streams = wants.filter(({ io }) => io).length;
          expect(streams).toBeLessThanOrEqual(idle ? 1 : 0);
          expect(wants.length - (besides ? streams : 0)).toBeLessThanOrEqual(slots);
          expect(wants.reduce((sum, one) => sum + one.memoryMb, 0)).toBeLessThanOrEqual(memoryMb);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("of computing jobs alone is at most a quarter longer than no plan can be shorter than", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 2000, max: 60_000 }), { minLength: 12, maxLength: 40 }),
        (lengths) => {
          const places = [1, 1, 2, 4].map((speed, n) => place(`h${n}`, { speed }));
          let waiting = lengths.map((ms, id) => job(id, computing(ms)));
          const plan = new Plan();
          const running = new Map(
            places.map(({ host }) => [host, [] as { endsAt: number; memoryMb: number; io: boolean }[]]),
          );
          let now = 0;
          for (
            ;
            waiting.length > 0;
            now = Math.min(...[...running.values()].flat().map(({ endsAt }) => endsAt))
          ) {
            for (const [host, all] of running)
              running.set(
                host,
                all.filter(({ endsAt }) => endsAt > now),
              );
            const starts = plan.make(
              waiting,
              places.map((one) => ({ ...one, running: running.get(one.host) ?? [] })),
              now,
            );
            for (const [host, jobs] of starts) {
              const { speed } = places.find((one) => one.host === host) as Place;
              for (const { need } of jobs)
                running.get(host)?.push({ endsAt: now + durationMs(need, speed), memoryMb: 0, io: false });
              waiting = waiting.filter((one) => !jobs.includes(one));
            }
          }
          const end = Math.max(...[...running.values()].flat().map(({ endsAt }) => endsAt));
          const work = lengths.reduce((sum, ms) => sum + ms, 0);
          expect(end).toBeLessThanOrEqual(1.25 * Math.max(work / 16, Math.max(...lengths) / 4) + 15_000);
        },
      ),
      { numRuns: 10 },
    );
  });
});
