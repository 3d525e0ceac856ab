/** Long jobs in prexd's queue: which lease, which host and which request the plan makes of them. */
import { describe, expect, it } from "vitest";
import { WorkMemory } from "../../src/core/kinds/memory.js";
import type { Need } from "../../src/core/kinds/need.js";
import { type Effect, Queue } from "../../src/helper/queue.js";
import type { HomeSlots } from "../../src/helper/wait-model.js";

const need = (cpuMs: number, more: Partial<Need> = {}): Need => ({
  cpuMs,
  waitMs: 0,
  ownMs: cpuMs,
  ioKb: 0,
  memoryMb: 0,
  ...more,
});
const disk = need(1000, { waitMs: 9000, ioKb: 900_000 });
const lease = (id: string, host: string) => ({ id, host, lifeMs: 60_000 });
const home = { free: 0, taken: 2, total: 2, room: 2, beside: 0 };

/** Hosts `fast` and `slow`, of which one is four times as fast as the other. */
function works(): WorkMemory {
  const memory = new WorkMemory();
  for (let n = 0; n < 30; n += 1) {
    memory.learn(["job"], { host: "slow", cpuMs: 400, wallMs: 400, ioKb: 0, memoryMb: 1 });
    memory.learn(["job"], { host: "fast", cpuMs: 100, wallMs: 100, ioKb: 0, memoryMb: 1 });
  }
  return memory;
}

/** Two slots on each of two hosts, home's taken by others; jobs come at 0, and at 100 everything is theirs. */
function begun(...needs: Need[]): Queue {
  const queue = new Queue(30_000, works());
  queue.slotsHere(home, 0);
  needs.forEach((one, id) => {
    queue.add({ id, excluded: new Set(), away: false, need: one }, 0);
  });
  queue.take();
  const hosts = ["fast", "fast", "slow", "slow"];
  queue.granted(
    1,
    hosts.map((host, n) => lease(`${host}${n}`, host)),
    1,
  );
  queue.denial(2, 60_000, "every suitable host is full", 2);
  queue.tick(100);
  return queue;
}

const assigned = (effects: readonly Effect[]): string[] =>
  effects.flatMap((one) => (one.do === "assign" ? [`${one.job} ${one.lease.host}`] : []));

describe("long jobs", () => {
  it("wait a moment for others that come with them, then start where the plan has them", () => {
    const queue = new Queue(30_000, works());
    queue.slotsHere(home, 0);
    for (let id = 0; id < 3; id++)
      queue.add({ id, excluded: new Set(), away: false, need: need(id === 2 ? 40_000 : 4000) }, 0);
    queue.granted(1, [lease("x", "fast"), lease("y", "slow")], 1);
    expect(assigned(queue.take())).toEqual([]);
    queue.tick(30);
    // The longest where it ends first.
    expect(assigned(queue.take())).toContain("2 fast");
  });

  it("of which the last would end later on a slow host leave its slot alone, and its lease is kept no longer than it pays", () => {
    const queue = begun(need(40_000), need(40_000));
    expect(assigned(queue.take()).sort()).toEqual(["0 fast", "1 fast"]);
    queue.tick(1000);
    expect(queue.take()).toContainEqual({ do: "release", leases: ["slow2", "slow3"] });
  });

  it("that live by the disk ask for one that nobody uses, once; then their host is known", () => {
    const queue = begun(disk);
    const requests = queue.take().filter((one) => one.do === "request");
    expect(requests.at(-1)).toMatchObject({ count: 1, wanted: { io: true } });
    const [request] = requests.slice(-1);
    if (request?.do !== "request") throw new Error("no request");
    const host = request.wanted.prefer[0] as string;
    queue.granted(request.id, [lease("idle disk", host)], 101);
    expect(assigned(queue.take())).toEqual([`0 ${host}`]);
    queue.freed("idle disk", true, 9000);
    queue.add({ id: 1, excluded: new Set(), away: false, need: { ...disk } }, 9001);
    queue.tick(9100);
    expect(assigned(queue.take())).toEqual([`1 ${host}`]);
  });

  it("that a host has no memory for are not tried there again while it holds, and the lease serves others", () => {
    const queue = begun(need(40_000, { memoryMb: 600 }), need(40_000));
    const first = queue.take().flatMap((one) => (one.do === "assign" && one.job === 0 ? [one.lease] : []));
    expect(first).toMatchObject([{ host: "fast" }]);
    queue.noMemory(first[0]?.id ?? "", 500, 200);
    queue.add(
      { id: 0, excluded: new Set(), away: false, need: need(40_000, { memoryMb: 600 }), since: 0 },
      201,
    );
    queue.add({ id: 2, excluded: new Set(), away: false, need: need(40_000) }, 202);
    queue.tick(300);
    const then = assigned(queue.take());
    expect(then).not.toContain("0 fast");
    expect(then).toContain("2 fast");
  });

  it("take this host's slots when it is busy with one of them that lives by its disk, and no more than it has", () => {
    const queue = new Queue(30_000);
    const here = (): number[] => queue.take().flatMap((one) => (one.do === "here" ? [one.job] : []));
    for (let id = 0; id < 5; id++)
      queue.add({ id, excluded: new Set(), away: false, need: id < 2 ? { ...disk } : need(20_000) }, 0);
    queue.slotsHere({ free: 2, taken: 0, total: 2, room: 4, beside: 0 }, 100);
    const first = here();
    expect([first.filter((id) => id < 2).length, first.filter((id) => id >= 2).length]).toEqual([1, 2]);
    const busy = { free: 0, taken: 1, total: 2, room: 3, beside: 0, diskBusy: true };
    for (const id of first) if (id >= 2) queue.endedHere(id, 20_100);
    queue.slotsHere(busy, 20_101);
    expect(here()).toEqual([2, 3, 4].filter((id) => !first.includes(id)));
  });

  it("are not started beside this host's slots because others are slow to end, but wait only as long as any", () => {
    const queue = begun(...Array.from({ length: 6 }, () => need(40_000)));
    queue.take();
    queue.slotsHere(home, 31_000);
    queue.tick(31_000);
    expect(queue.take().filter((one) => one.do === "here")).toEqual([]);
    queue.tick(300_000);
    expect(queue.take().filter((one) => one.do === "here").length).toBeGreaterThan(0);
  });

  it("have the next turn, one each, before short ones are sent ahead; the next one then is whichever comes first", () => {
    const queue = new Queue(30_000);
    queue.slotsHere(home, 0);
    /** What the queue does, when the leader has nothing more. */
    const done = (now: number): string[] => {
      const words: string[] = [];
      for (let effects = queue.take(); effects.length > 0; effects = queue.take())
        for (const one of effects) {
          if (one.do === "request") queue.denial(one.id, 60_000, "every suitable host is full", now);
          if (one.do === "assign") words.push(`${one.job} ${one.lease.host}${one.ahead ? ", ahead" : ""}`);
          if (one.do === "follow") words.push(`${one.job} follows`);
        }
      return words;
    };
    const add = (id: number, cpuMs: number, now: number): string[] => {
      queue.add({ id, excluded: new Set(), away: false, ahead: true, need: need(cpuMs) }, now);
      return done(now);
    };
    queue.add({ id: 1, excluded: new Set(), away: false, ahead: true, need: need(1000) }, 0);
    queue.add({ id: 2, excluded: new Set(), away: false, ahead: true, need: need(1500) }, 0);
    queue.granted(1, [lease("x", "b"), lease("y", "c")], 1);
    expect(done(1).sort()).toEqual(["1 c", "2 b"]);
    expect(add(3, 40_000, 100)).toEqual([]);
    expect(add(4, 500, 101)).toEqual(["4 b, ahead"]);
    expect(add(5, 500, 102)).toEqual([]);
    queue.freed("x", true, 300);
    // It is sooner done than job 1 now, so that its is the turn of job 3.
    expect(done(300)).toEqual(["4 follows", "5 c, ahead"]);
    queue.freed("x", true, 800);
    expect(done(800)).toContain("3 b");
  });

  it("make newcomers come to prexd first, as long as they are the rule", () => {
    const queue = new Queue(30_000);
    expect([queue.plansHere, queue.first]).toEqual([false, false]);
    queue.add({ id: 1, excluded: new Set(), away: true, need: need(20_000) }, 0);
    expect(queue.plansHere).toBe(false);
    queue.add({ id: 2, excluded: new Set(), away: false, need: need(20_000) }, 0);
    expect([queue.plansHere, queue.first]).toEqual([true, true]);
    queue.remove(2);
    expect([queue.plansHere, queue.first]).toEqual([false, false]);
    const memory = new WorkMemory();
    memory.learn(["job"], { host: "a", cpuMs: 5000, wallMs: 5000, ioKb: 0, memoryMb: 1 });
    expect(new Queue(30_000, memory).plansHere).toBe(true);
  });

  it("are planned once like ones have shown what they need", () => {
    const queue = new Queue(30_000, works());
    queue.add({ id: 1, excluded: new Set(), away: false, need: null }, 0);
    expect(queue.plansHere).toBe(false);
    queue.learned(1, need(20_000), 10);
    expect(queue.plansHere).toBe(true);
  });

  it("does not wait for ever where those that have all places go on, nor where they only sleep", () => {
    const stuck = (slots: HomeSlots, untilMs: number): string[] => {
      const queue = new Queue(600_000, works());
      queue.slotsHere(slots, 0);
      queue.add({ id: 0, excluded: new Set(), away: false, program: "a" }, 0);
      queue.granted(1, [lease("x", "b")], 0);
      queue.add({ id: 1, excluded: new Set(), away: false, need: need(3000) }, 10_000);
      queue.take();
      queue.denial(2, 600_000, "every suitable host is full", 10_001);
      const here: string[] = [];
      for (let now = 10_025; now < untilMs; now += 25) {
        queue.slotsHere(slots, now);
        queue.tick(now);
        for (const one of queue.take()) if (one.do === "here") here.push(`${now}: ${one.why}`);
      }
      return here;
    };
    const full = { free: 0, taken: 2, total: 2, room: 0, beside: 2, availableMb: 4000 };
    expect(stuck(full, 20_000)).toEqual(["19000: nothing has ended for longer than it takes"]);
    const asleep = stuck({ ...full, sleeping: 4 }, 20_000);
    expect(asleep).toEqual([expect.stringContaining("planned: sooner here")]);
  });
});
