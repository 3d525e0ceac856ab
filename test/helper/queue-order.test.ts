/** Which waiting job gets a slot, and whether one had better wait for it. */
import { describe, expect, it } from "vitest";
import { WorkMemory } from "../../src/core/kinds/memory.js";
import type { Need } from "../../src/core/kinds/need.js";
import { type Effect, Queue } from "../../src/helper/queue.js";
import { type Candidate, choose, type Outlook } from "../../src/helper/queue-order.js";
import { hereMs, WaitModel } from "../../src/helper/wait-model.js";

const need = (cpuMs: number, more: Partial<Need> = {}): Need => ({
  cpuMs,
  waitMs: 0,
  ownMs: cpuMs,
  ioKb: 0,
  memoryMb: 0,
  ...more,
});

/** Hosts `fast` and `slow`, of which one is four times as fast as the other. */
function works(): WorkMemory {
  const memory = new WorkMemory();
  for (let n = 0; n < 60; n += 1) {
    memory.learn(["job"], { host: "slow", cpuMs: 400, wallMs: 400, ioKb: 0, memoryMb: 1 });
    memory.learn(["job"], { host: "fast", cpuMs: 100, wallMs: 100, ioKb: 0, memoryMb: 1 });
  }
  return memory;
}

const lease = (id: string, host: string) => ({ id, host, lifeMs: 5000 });
const add = (queue: Queue, id: number, wants: Need | null, now = 0) => {
  queue.add({ id, excluded: new Set(), away: false, need: wants }, now);
};

const home = { free: 0, taken: 2, total: 2, room: 2 };

describe("the slot of a host", () => {
  const { speeds } = works();
  const outlook = (more: Partial<Outlook> = {}): Outlook => ({
    now: 1000,
    overdueMs: 5000,
    speeds,
    running: [],
    ...more,
  });
  const jobs = (...lengths: (number | null)[]): Candidate[] =>
    lengths.map((length, id) => ({ id, since: 900, need: length === null ? null : need(length) }));

  it("goes to the longest job on a fast host, to the shortest on a slow one", () => {
    expect(choose(jobs(300, 900, 100), "fast", outlook())?.id).toBe(1);
    expect(choose(jobs(300, 900, 100), "slow", outlook())?.id).toBe(2);
    expect(choose(jobs(300, 900, 100), "slow", outlook({ speeds: new WorkMemory().speeds }))?.id).toBe(1);
  });

  it("goes to the first where nothing is known, and to whoever has waited too long", () => {
    expect(choose(jobs(null, null), "fast", outlook())?.id).toBe(0);
    expect(choose(jobs(300, 900, 100), "fast", outlook({ now: 6000 }))?.id).toBe(0);
    expect(choose<Candidate>([], "fast", outlook())).toBeUndefined();
  });

  it("is left alone when the job is done sooner on the fast host that is about to be free", () => {
    const busy = (endsAt: number | null) => outlook({ running: [{ host: "fast", endsAt }] });
    const slow = speeds.speed("slow");
    const fast = speeds.speed("fast");
    const [there, here] = [1000 / fast, 1000 / slow];
    expect(choose(jobs(1000), "slow", busy(1000 + (here - there) / 2))).toBeUndefined();
    expect(choose(jobs(1000), "slow", busy(1000 + 2 * here))?.id).toBe(0);
    expect(choose(jobs(1000), "slow", busy(null))?.id).toBe(0);
    // There is more work than fast hosts.
    expect(choose(jobs(1000, 1000), "slow", busy(1001))?.id).toBe(0);
  });
});

describe("the queue, with what is known of jobs", () => {
  const requests = (queue: Queue) =>
    queue.take().flatMap((effect: Effect) => (effect.do === "request" ? [effect] : []));
  it("asks for jobs of a kind at a time, and says what they need", () => {
    const queue = new Queue(30_000, works());
    add(queue, 1, need(1000));
    expect(requests(queue)).toMatchObject([
      { count: 1, wanted: { io: false, memoryMb: 0, prefer: ["fast"] } },
    ]);
    add(queue, 2, need(100, { waitMs: 900, ioKb: 90_000 }));
    add(queue, 3, need(1000, { memoryMb: 290 }));
    add(queue, 4, need(1000, { memoryMb: 310 }));
    queue.granted(1, [lease("x", "fast")], 1);
    expect(requests(queue)).toMatchObject([{ count: 1, wanted: { io: true, prefer: [] } }]);
    queue.denial(2, 500, "no", 2);
    expect(requests(queue)).toMatchObject([{ count: 2, wanted: { io: false, memoryMb: 320 } }]);
    queue.denial(3, 500, "no", 3);
    // All kinds are denied for now; something runs, so they wait.
    expect(queue.take()).toEqual([]);
    expect(queue.length).toBe(3);
  });

  it("does not put a long job on a slow host out of habit: it asks again whether a fast one is free", () => {
    const queue = new Queue(30_000, works());
    add(queue, 1, need(1000));
    queue.granted(1, [lease("x", "slow")], 0);
    queue.take();
    const again = (id: number, at: number) => {
      queue.freed("x", true, at);
      add(queue, id, need(1000), at);
      return queue.take().map((effect) => effect.do);
    };
    expect(again(2, 900)).toEqual(["assign"]);
    expect(again(3, 1900)).toEqual(["request"]);
    // Nobody is: then there, and not asked again while that stands.
    queue.denial(2, 500, "full", 1901);
    expect(queue.take()).toMatchObject([{ do: "assign", job: 3, lease: { host: "slow" } }]);
    expect(again(4, 2000)).toEqual(["assign"]);
    expect(again(5, 2500)).toEqual(["request"]);
    queue.granted(3, [lease("y", "fast")], 2501);
    expect(queue.take()).toMatchObject([{ do: "assign", job: 5, lease: { host: "fast" } }]);
  });

  it("does not ask for hosts whose slot nobody would take", () => {
    const queue = new Queue(30_000, works());
    add(queue, 1, need(1000));
    queue.granted(1, [lease("x", "fast")], 0);
    queue.take();
    add(queue, 2, need(1000), 1);
    expect(requests(queue)).toMatchObject([{ exclude: ["slow"] }]);
  });

  it("does not take a slow host that it left out for one that cannot run a job", () => {
    const queue = new Queue(30_000, works());
    queue.slotsHere(home, 0);
    add(queue, 1, need(1000));
    queue.granted(1, [lease("x", "fast")], 0);
    queue.take();
    queue.add({ id: 2, excluded: new Set(["third"]), away: false, need: need(1000) }, 1);
    expect(requests(queue)).toMatchObject([{ exclude: ["third", "slow"] }]);
    queue.denial(2, 500, "no suitable host is free", 2);
    queue.tick(400);
    expect(queue.take()).toEqual([]);
  });

  it("starts a job here when that ends sooner than a wait, as many as there is room for", () => {
    const queue = new Queue(30_000, works());
    for (let id = 1; id <= 8; id += 1) add(queue, id, need(100));
    queue.granted(1, [lease("x", "slow")], 0);
    queue.slotsHere(home, 0);
    queue.denial(2, 60_000, "full", 1);
    queue.take();
    // One slot turned over, and none since.
    for (let now = 50; now <= 1000; now += 50) queue.tick(now);
    const here = queue.take().flatMap((effect) => (effect.do === "here" ? [effect.why] : []));
    expect(here).toEqual(Array.from({ length: 2 }, () => "sooner here than in a slot elsewhere"));
    expect(queue.length).toBe(5);
  });

  it("starts a job of which nothing is known here after moments, though others may run for long", () => {
    const queue = new Queue(30_000);
    queue.slotsHere(home, 0);
    add(queue, 1, null);
    queue.granted(1, [lease("x", "b")], 0);
    // One that runs what runs already takes at least as long as that does.
    add(queue, 2, null, 1000);
    queue.add({ id: 3, excluded: new Set(), away: false, program: "other" }, 1000);
    queue.take();
    queue.denial(2, 60_000, "every suitable host is full", 1001);
    const at: string[] = [];
    for (let now = 1050; now <= 30_000; now += 50) {
      queue.tick(now);
      for (const effect of queue.take())
        if (effect.do === "here") at.push(`${effect.job} after ${now - 1000}`);
    }
    expect(at).toEqual(["3 after 2000"]);
  });

  it("starts no more here than there is room for when nobody helps and nothing ends; the rest is not left to wait for ever", () => {
    const queue = new Queue(1000);
    for (let id = 1; id <= 5; id += 1) add(queue, id, null);
    queue.slotsHere({ free: 0, taken: 0, total: 1, room: 2 }, 0);
    queue.denial(1, 60_000, "no suitable host is free", 1);
    expect(queue.take().filter((effect) => effect.do === "here")).toHaveLength(2);
    expect(queue.length).toBe(3);
    queue.tick(1000);
    expect(queue.take().filter((effect) => effect.do === "here")).toHaveLength(0);
    queue.tick(10_000);
    expect(queue.take().filter((effect) => effect.do === "here")).toHaveLength(3);
  });
});

describe("this host, for what is known of jobs", () => {
  const here = (queue: Queue): number[] =>
    queue.take().flatMap((effect) => (effect.do === "here" ? [effect.job] : []));
  const disk = need(100, { waitMs: 900, ioKb: 90_000 });

  it("takes no more of them than its memory holds, counting those that have just begun", () => {
    const queue = new Queue(30_000);
    for (let id = 1; id <= 3; id += 1) add(queue, id, need(1000, { memoryMb: 600 }));
    queue.slotsHere({ free: 2, taken: 0, total: 2, room: 4, availableMb: 900 }, 1);
    expect(here(queue)).toEqual([1]);
    queue.slotsHere({ free: 1, taken: 1, total: 2, room: 3, availableMb: 900 }, 2);
    expect(here(queue)).toEqual([]);
    // Its memory is not back in the measure yet.
    queue.endedHere(1, 3000);
    queue.slotsHere({ free: 2, taken: 0, total: 2, room: 4, availableMb: 900 }, 3000);
    expect(here(queue)).toEqual([2]);
  });

  it("takes one at a time of those that live by its disk, and none while that is busy", () => {
    const queue = new Queue(30_000);
    for (let id = 1; id <= 3; id += 1) add(queue, id, disk);
    queue.slotsHere({ free: 2, taken: 0, total: 2, room: 4, diskBusy: true }, 1);
    expect(here(queue)).toEqual([]);
    queue.slotsHere({ free: 2, taken: 0, total: 2, room: 4 }, 2);
    expect(here(queue)).toEqual([1]);
    queue.slotsHere({ free: 1, taken: 1, total: 2, room: 3 }, 20_000);
    expect(here(queue)).toEqual([]);
  });

  it("is where a job goes whose patience is over, when there is room for it, and at last without", () => {
    const queue = new Queue(1000);
    add(queue, 1, need(1000, { memoryMb: 600 }));
    queue.slotsHere({ free: 0, taken: 2, total: 2, room: 2, availableMb: 500 }, 0);
    queue.tick(1000);
    expect(here(queue)).toEqual([]);
    queue.slotsHere({ free: 0, taken: 2, total: 2, room: 2, availableMb: 700 }, 2000);
    queue.tick(2000);
    expect(here(queue)).toEqual([1]);
    add(queue, 2, disk, 2000);
    queue.slotsHere({ free: 0, taken: 2, total: 2, room: 2, diskBusy: true }, 3000);
    queue.tick(11_999);
    expect(here(queue)).toEqual([]);
    queue.tick(12_000);
    expect(here(queue)).toEqual([2]);
  });

  it("gives a lease to jobs of its kind and to those that need nothing, and to no other", () => {
    const queue = new Queue(30_000);
    add(queue, 1, null);
    queue.granted(1, [lease("plain", "far")], 1);
    add(queue, 2, disk);
    queue.take();
    queue.freed("plain", true, 2);
    expect(queue.take().filter((effect) => effect.do === "assign")).toEqual([]);
    queue.granted(2, [lease("idle disk", "far")], 3);
    expect(queue.take()).toMatchObject([{ do: "assign", job: 2, lease: { id: "idle disk" } }]);
    add(queue, 3, null);
    queue.take();
    queue.freed("idle disk", true, 4);
    expect(queue.leaseCount).toBe(2);
  });
});

describe("wait or run here", () => {
  it("expects slots as often as they came, and no sooner than the last one keeps us waiting", () => {
    const model = new WaitModel();
    model.began(0);
    expect(model.waitMs(2, 100)).toBe(200);
    for (let now = 100; now <= 1000; now += 100) model.turned(now);
    expect(model.waitMs(1, 1000)).toBeCloseTo(100);
    expect(model.waitMs(3, 1000)).toBeCloseTo(300);
    expect(model.waitMs(2, 1500)).toBeCloseTo(1000);
  });

  it("counts what a job here takes from those that run", () => {
    const idle = { free: 2, taken: 0, total: 2, room: 4 };
    expect(hereMs(need(100, { waitMs: 10 }), idle)).toBe(110);
    expect(hereMs(need(100), { ...idle, free: 0, taken: 2, room: 2 })).toBe(250);
    expect(hereMs(need(100), { ...idle, free: 0, taken: 2, room: 0 })).toBe(450);
    // Busy with something else, with both slots free.
    expect(hereMs(need(100), { ...idle, free: 0 })).toBe(250);
  });
});
