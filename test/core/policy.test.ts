/** The policies on traces: what a host does with the load that it measures. */
import { describe, expect, it } from "vitest";
import { nothingMeasured, type Sample } from "../../src/core/indices.js";
import { makePolicy } from "../../src/core/policy/make.js";
import type { Policy } from "../../src/core/policy/policy.js";
import type { LoadSettings } from "../../src/core/policy/settings.js";

const idle: Sample = {
  ...nothingMeasured,
  cpu: 3,
  io: 50,
  ctxt: 900,
  memory: 200,
  intr: 700,
  net: 5,
  netPackets: 20,
  ioPressure: 0,
  memoryPressure: 0,
  diskBusy: 1,
  swapped: 0,
  availableMb: 6000,
  totalMb: 8000,
  runQueue: 1,
  guestsCpu: 0,
};

function settings(policy: LoadSettings["policy"], more: Partial<LoadSettings> = {}): LoadSettings {
  return { policy, cpus: 4, thresholds: {}, ownerCpu: 0, roomMb: null, ...more };
}

/** A host of four slots, an interval a second. */
class Trace {
  now = 0;
  changes = 0;
  #busy = false;
  constructor(readonly policy: Policy) {}

  second(sample: Partial<Sample>, taken = 0, guests = 0): boolean {
    this.now += 1000;
    const slots = { takenAverage: taken, guestsAverage: guests, total: 4 };
    this.policy.sampled({ at: this.now, ms: 1000, sample: { ...idle, ...sample }, ...slots });
    const { busy } = this.verdict(taken, guests);
    if (busy !== this.#busy) this.changes += 1;
    this.#busy = busy;
    return busy;
  }

  seconds(count: number, sample: Partial<Sample>, taken = 0, guests = 0): boolean[] {
    return Array.from({ length: count }, () => this.second(sample, taken, guests));
  }

  verdict(taken = 0, guests = 0) {
    return this.policy.verdict({ taken, guests, total: 4 }, this.now);
  }
}

const trace = (policy: LoadSettings["policy"], more: Partial<LoadSettings> = {}, learned?: unknown): Trace =>
  new Trace(makePolicy(settings(policy, more), learned));

describe("multi", () => {
  it.each([
    ["io", { io: 1000 }, { io: 999 }],
    ["ctxt", { ctxt: 6000 }, { ctxt: 5999 }],
    ["memory", { memory: 4000 }, { memory: 3999 }],
    ["intr", { intr: 115_000 }, { intr: 114_999 }],
    ["cpu", { cpu: 95 }, { cpu: 94.9 }],
  ] as const)("is busy by %s at the paper's threshold, and not below", (what, over, under) => {
    const host = trace("multi");
    expect(host.second(over)).toBe(true);
    expect(host.verdict().cause).toMatchObject({ what });
    expect(host.second(under)).toBe(false);
    expect(host.verdict()).toMatchObject({ lends: true, cause: null });
  });

  it("judges the network when told to, and what is set by hand in place of the paper's", () => {
    const host = trace("multi", { thresholds: { net: 1000, io: 10 } });
    expect(host.second({ io: 5, net: 1000 })).toBe(true);
    expect(host.verdict().cause).toEqual({ what: "net", value: 1000, threshold: 1000 });
    expect(host.second({ io: 10 })).toBe(true);
    expect(host.policy.thresholds()).toEqual({
      cpu: 95,
      io: 10,
      ctxt: 6000,
      memory: 4000,
      intr: 115_000,
      net: 1000,
    });
  });

  it("names what is most over its threshold", () => {
    const host = trace("multi");
    host.second({ cpu: 96, io: 50_000, ctxt: 7000 });
    expect(host.verdict().cause).toEqual({ what: "io", value: 50_000, threshold: 1000 });
  });
});

const hogs = [
  ["cpu", { cpu: 100 }],
  ["io-pressure", { io: 80_000, ioPressure: 80 }],
  ["disk-busy", { io: 30_000, diskBusy: 99, ioPressure: null }],
  ["io", { io: 400_000, diskBusy: null, ioPressure: null }],
  ["ctxt", { ctxt: 400_000, cpu: 60 }],
  ["room", { availableMb: 100 }],
  ["memory-pressure", { memoryPressure: 40 }],
  ["swapping", { swapped: 5000, memoryPressure: null }],
  ["net", { net: 110_000 }],
  ["intr", { intr: 300_000 }],
] as const;

describe("adaptive", () => {
  it.each(hogs)("leaves at once when there is a hog of %s, and is back within 10 s after", (what, sample) => {
    for (const before of [0, 600]) {
      const host = trace("adaptive");
      host.seconds(before, {});
      expect(host.second(sample)).toBe(true);
      expect(host.verdict().cause).toMatchObject({ what });
      expect(host.seconds(30, sample)).not.toContain(false);
      const after = host.seconds(10, {});
      expect(after[0]).toBe(true);
      expect(after.at(-1)).toBe(false);
      expect(host.verdict()).toMatchObject({ lends: true, cause: null });
    }
  });

  it("leaves before its memory is used up, and not while it is only being used", () => {
    const host = trace("adaptive");
    host.second({ availableMb: 3000 });
    expect(host.second({ availableMb: 2900 })).toBe(false);
    expect(host.second({ availableMb: 1600 })).toBe(true);
    expect(host.verdict().cause).toEqual({ what: "room", value: 300, threshold: 400 });
    expect(host.seconds(6, { availableMb: 1600 }).at(-1)).toBe(false);
    expect(host.seconds(10, { availableMb: 1500 })).not.toContain(true);
  });

  it("does without any of the indices", () => {
    const host = new Trace(makePolicy(settings("adaptive")));
    const nothing = Object.fromEntries(Object.keys(idle).map((name) => [name, null])) as unknown as Sample;
    expect(host.seconds(5, nothing)).not.toContain(true);
    expect(host.verdict().predictedPercent).toBe(0);
  });

  it("is full, not busy, with four compilers, and offers three slots beside one", () => {
    const gcc = { ctxt: 1500, memory: 250_000, intr: 2500, io: 3000 };
    const times = (n: number): Partial<Sample> => ({
      cpu: 25 * n,
      ...Object.fromEntries(Object.entries(gcc).map(([name, value]) => [name, value * n])),
    });
    for (const learning of [0, 300]) {
      const host = trace("adaptive");
      host.seconds(learning, times(4), 4);
      for (const jobs of [1, 4, 2, 4, 0, 3])
        expect(host.seconds(5, times(jobs), jobs, jobs), `${jobs} jobs`).not.toContain(true);
      // As soon as they end, and not at the next sample.
      host.seconds(5, times(4), 4, 4);
      expect(host.verdict(0).busy).toBe(false);
    }
  });

  it("does not take a busy hour for the norm", () => {
    const host = trace("adaptive");
    host.seconds(600, {});
    const before = host.policy.thresholds();
    host.seconds(3600, { ctxt: 900_000, io: 500_000, ioPressure: 90 });
    expect(host.policy.thresholds()).toEqual(before);
    // Livelier, but under its threshold: that is what it is used to, within bounds.
    host.seconds(4 * 3600, { ctxt: 100_000 });
    const used = host.policy.thresholds();
    expect(used.ctxt).toBeGreaterThanOrEqual(before.ctxt ?? 0);
    expect(used.ctxt).toBeLessThanOrEqual(10 * (before.ctxt ?? 0));
  });

  it("learns what is usual on a lively host, and keeps it over a restart", () => {
    const host = trace("adaptive", { cpus: 1 });
    const swinging = (second: number): Partial<Sample> => ({ ctxt: 12_000 + (second % 2) * 5000 });
    for (let second = 0; second < 3600; second++) host.second(swinging(second));
    const { ctxt } = host.policy.thresholds();
    expect(ctxt).toBeGreaterThan(22_000);
    const learned: unknown = JSON.parse(JSON.stringify(host.policy.learned()));
    expect(trace("adaptive", { cpus: 1 }, learned).policy.thresholds().ctxt).toBeCloseTo(ctxt ?? 0);
    for (const junk of [null, 7, "x", { ctxt: 7 }, { ctxt: { level: -1, spread: 0, perSlot: 0 } }])
      expect(trace("adaptive", { cpus: 1 }, junk).policy.thresholds().ctxt).toBe(20_000);
  });

  it("takes a threshold set by hand, whatever it learned", () => {
    const host = trace("adaptive", { thresholds: { ctxt: 2000, cpu: 50 } });
    expect(host.second({ ctxt: 2500 })).toBe(true);
    expect(host.verdict().cause).toEqual({ what: "ctxt", value: 2500, threshold: 2000 });
    expect(host.policy.thresholds()).toMatchObject({ cpu: 50, ctxt: 2000 });
  });

  it("is free after the first load as soon as ever, though its start had made it busy", () => {
    const host = trace("adaptive", { cpus: 0.5 });
    host.seconds(1, { cpu: 100 });
    expect(host.seconds(6, {})).toContain(false);
    for (const calm of [5, 25]) {
      host.seconds(5, { cpu: 100 });
      expect(host.seconds(calm - 1, {})).not.toContain(false);
      expect(host.seconds(2, {})).toContain(false);
    }
  });

  it("is never busy by CPU at 100", () => {
    const host = trace("adaptive", { thresholds: { cpu: 100 }, ownerCpu: 50 });
    expect(host.seconds(5, { cpu: 100 })).not.toContain(true);
    expect(host.verdict().lends).toBe(true);
  });
});

describe("room in memory", () => {
  const left = (availableMb: number, totalMb = 1024): Partial<Sample> => ({ availableMb, totalMb });

  it("is for one more job like those that run here", () => {
    const host = trace("adaptive");
    host.seconds(3, left(900));
    expect(host.seconds(2, left(300), 1, 1)).toContain(true);
    expect(host.verdict(1, 1).cause).toEqual({ what: "room", value: 300, threshold: 600 });
    const small = trace("adaptive");
    small.seconds(3, left(900));
    for (const available of [800, 700, 600, 500, 450, 400, 350, 320, 300])
      expect(small.second(left(available), 3, 3)).toBe(false);
  });

  it("does not matter for that while every slot is taken, nor where it was set by hand", () => {
    const full = trace("adaptive");
    full.seconds(3, left(900));
    for (const available of [500, 300, 200, 150, 120, 100])
      expect(full.second(left(available), 4, 4)).toBe(false);
    const byHand = trace("adaptive", { roomMb: 200 });
    byHand.seconds(3, left(900));
    for (const available of [600, 400, 300]) expect(byHand.second(left(available), 1, 1)).toBe(false);
    expect(byHand.second(left(190), 1, 1)).toBe(true);
  });

  it("may be little on a host that has little", () => {
    const host = trace("adaptive");
    expect(host.second(left(40, 64))).toBe(false);
    expect(host.seconds(2, left(15, 64))).toContain(true);
    expect(host.verdict().cause).toEqual({ what: "room", value: 15, threshold: 16 });
  });
});

describe("a load that a job brought", () => {
  const reading = { io: 140_000, ioPressure: 90, diskBusy: 90 };

  it("needs no residence when the job has ended", () => {
    const host = trace("adaptive");
    for (let job = 0; job < 5; job++) {
      expect(host.seconds(10, reading, 1, 1)).toContain(true);
      expect(host.second(reading, 0.3)).toBe(true);
      expect(host.second({})).toBe(false);
    }
  });

  it("keeps it in the free group: open to others where it is the disk, full where it is memory", () => {
    const host = trace("adaptive");
    host.seconds(3, {});
    host.seconds(3, reading, 1, 1);
    expect(host.verdict(1, 1)).toMatchObject({ busy: true, lends: true, full: false });
    host.second({ ...reading, memoryPressure: 40 }, 1, 1);
    expect(host.verdict(1, 1)).toMatchObject({ busy: true, lends: true, full: true });
  });

  it("is this host's own as soon as it is there without any", () => {
    const host = trace("adaptive");
    host.seconds(3, reading, 1, 1);
    host.second(reading, 0.3);
    expect(host.verdict()).toMatchObject({ busy: true, lends: true });
    host.second(reading);
    expect(host.verdict()).toMatchObject({ busy: true, lends: false, full: false });
    host.seconds(2, reading, 1, 1);
    expect(host.verdict(1, 1)).toMatchObject({ busy: true, lends: false });
    const before = trace("adaptive");
    before.seconds(3, reading);
    before.seconds(3, reading, 1, 1);
    expect(before.verdict(1, 1)).toMatchObject({ busy: true, lends: false });
  });

  it("keeps its residence while as many jobs run, or when it stays", () => {
    const host = trace("adaptive");
    host.seconds(3, reading, 1, 1);
    expect(host.seconds(5, {}, 1, 1)).not.toContain(false);
    const hog = trace("adaptive");
    hog.seconds(3, reading, 1, 1);
    expect(hog.second(reading, 0.3)).toBe(true);
    expect(hog.seconds(3, reading)).not.toContain(false);
    expect(hog.seconds(5, {})).not.toContain(false);
  });
});

/** A load that is over a threshold for `high` of every `period` seconds, for five minutes. */
function swing(
  host: Trace,
  over: Partial<Sample>,
  under: Partial<Sample>,
  period: number,
  high: number,
): number {
  let most = 0;
  const minutes: number[] = [];
  for (let second = 0; second < 300; second++) {
    const before = host.changes;
    host.second(second % period < high ? over : under);
    minutes.push(host.changes - before);
    most = Math.max(
      most,
      minutes.slice(-60).reduce((a, b) => a + b, 0),
    );
  }
  return most;
}

describe("a load that swings around a threshold", () => {
  const loads = [
    ["cpu", { cpu: 97 }, { cpu: 93 }],
    ["cpu, widely", { cpu: 100 }, { cpu: 5 }],
    ["ctxt", { ctxt: 200_000 }, { ctxt: 5000 }],
    ["io", { io: 150_000, ioPressure: 70 }, { io: 500, ioPressure: 0 }],
  ] as const;
  const periods = [2, 3, 4, 6, 8, 10, 12, 16, 20, 26, 30, 34, 40, 60];
  it.each(loads)("%s: adaptive changes its mind six times in any minute at most", (_what, over, under) => {
    for (const period of periods)
      for (const high of new Set([1, Math.ceil(period / 2), period - 1]))
        expect(
          swing(trace("adaptive"), over, under, period, high),
          `${high} of ${period} s`,
        ).toBeLessThanOrEqual(6);
  });
  it("where static thresholds change more than thirty times in a minute", () => {
    expect(swing(trace("multi"), { ctxt: 6100 }, { ctxt: 5900 }, 2, 1)).toBeGreaterThan(30);
    expect(swing(trace("cpu"), { cpu: 97 }, { cpu: 93 }, 2, 1)).toBeGreaterThan(30);
    expect(swing(trace("adaptive"), { cpu: 97 }, { cpu: 93 }, 2, 1)).toBeLessThanOrEqual(6);
  });
});

describe("owner first", () => {
  it("stops lending within one interval of own work, and its own programs still run here", () => {
    for (const policy of ["cpu", "multi", "adaptive"] as const) {
      const host = trace(policy, { ownerCpu: 50 });
      expect(host.second({ cpu: 60 })).toBe(false);
      expect(host.verdict()).toMatchObject({
        busy: false,
        lends: false,
        cause: { what: "owner", value: 60, threshold: 50 },
      });
      host.seconds(10, {});
      expect(host.verdict()).toMatchObject({ lends: true, cause: null });
    }
  });

  it("does not count what guests use, measured or by their slots", () => {
    const host = trace("adaptive", { ownerCpu: 50 });
    host.second({ cpu: 90, guestsCpu: 75 }, 3, 3);
    expect(host.verdict(3, 3).lends).toBe(true);
    host.second({ cpu: 90, guestsCpu: null }, 3, 3);
    expect(host.verdict(3, 3).lends).toBe(true);
    host.second({ cpu: 90, guestsCpu: 25 }, 1, 1);
    expect(host.verdict(1, 1)).toMatchObject({ lends: false, cause: { what: "owner", value: 65 } });
  });
});
