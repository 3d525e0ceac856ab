import { describe, expect, it } from "vitest";
import { type Effect, IDLE_LEASE_MS, Queue } from "../../src/helper/queue.js";
import type { Lease } from "../../src/wire/control.js";

const lease = (id: string, host = "b"): Lease => ({ id, host, lifeMs: 10_000 });
/** A host with two slots, of which so many are free, and room for as many beside them. */
const home = (free: number, taken = 2 - free, total = 2) => ({ free, taken, total, room: 2 * total - taken });
const job = (id: number, excluded: string[] = [], away = false) => ({
  id,
  excluded: new Set(excluded),
  away,
});

/** What the queue wants done, in words. */
function words(queue: Queue): string[] {
  return queue.take().map((e: Effect) => {
    if (e.do === "assign") return `job ${e.job} to ${e.lease.host} by ${e.lease.id}`;
    if (e.do === "here") return `job ${e.job} here: ${e.why}`;
    if (e.do === "release") return `release ${e.leases.join(" ")}`;
    return `request ${e.id} of ${e.count}${e.exclude.length > 0 ? ` without ${e.exclude.join(" ")}` : ""}`;
  });
}

describe("the queue of prexd", () => {
  it("asks once for everybody who waits, and hands leases out in order", () => {
    const queue = new Queue(30_000);
    queue.add(job(1), 0);
    queue.add(job(2), 1);
    expect(words(queue)).toEqual(["request 1 of 1"]);
    queue.granted(1, [lease("x")], 2);
    expect(words(queue)).toEqual(["job 1 to b by x", "request 2 of 1"]);
    queue.granted(2, [lease("y", "c")], 3);
    expect(words(queue)).toEqual(["job 2 to c by y"]);
  });

  it("gives a lease to the next job, and back to the leader only when none comes", () => {
    const queue = new Queue(30_000);
    queue.add(job(1), 0);
    queue.granted(1, [lease("x")], 0);
    words(queue);
    queue.freed("x", true, 10);
    queue.tick(10 + IDLE_LEASE_MS - 1);
    queue.add(job(2), 20);
    expect(words(queue)).toEqual(["job 2 to b by x"]);
    expect(queue.giveBackAt).toBe(Number.POSITIVE_INFINITY);
    queue.freed("x", true, 30);
    expect(queue.giveBackAt).toBe(30 + IDLE_LEASE_MS);
    queue.tick(queue.giveBackAt);
    expect(words(queue)).toEqual(["release x"]);
  });

  it("runs jobs here at once when the cluster denies and nothing would turn over", () => {
    const queue = new Queue(30_000);
    queue.add(job(1), 0);
    words(queue);
    queue.denial(1, 500, "no free host", 1);
    expect(words(queue)).toEqual(["job 1 here: no free host"]);
  });

  it("waits for a turn-over when something of ours runs, and asks again only when told", () => {
    const queue = new Queue(30_000);
    queue.add(job(1), 0);
    queue.granted(1, [lease("x")], 0);
    queue.add(job(2), 1);
    words(queue);
    queue.denial(2, 500, "full", 2);
    queue.tick(400);
    expect(words(queue)).toEqual([]);
    queue.tick(503);
    expect(words(queue)).toEqual(["request 3 of 1"]);
    queue.freed("x", true, 600);
    expect(words(queue)).toEqual(["job 2 to b by x"]);
  });

  it("takes a slot that is free here, but not for jobs sent by hand", () => {
    const queue = new Queue(30_000);
    queue.add(job(1, [], true), 0);
    queue.add(job(2), 0);
    queue.add(job(3), 0);
    words(queue);
    queue.slotsHere(home(1), 5);
    expect(words(queue)).toEqual(["job 2 here: a slot is free here"]);
    expect(queue.length).toBe(2);
  });

  it("loses patience faster each time, and finds it again when a slot turns over", () => {
    const queue = new Queue(1000);
    const patience = (from: number): number => {
      queue.slotsHere(home(0), from);
      queue.add(job(from), from);
      for (let now = from; ; now += 10) {
        queue.tick(now);
        if (words(queue).some((w) => w.includes("here"))) return now - from;
      }
    };
    expect(patience(10_000)).toBe(1000);
    expect(patience(20_000)).toBe(500);
    expect(patience(30_000)).toBe(250);
    queue.slotsHere(home(0, 1), 40_000);
    expect(patience(40_000)).toBe(1000);
  });

  it("does not offer a host to a job that it refused, and drops a lease that nobody can use", () => {
    const queue = new Queue(30_000);
    queue.add(job(1, ["b"]), 0);
    expect(words(queue)).toEqual(["request 1 of 1 without b"]);
    queue.granted(1, [lease("x", "b")], 0);
    expect(words(queue)).toEqual(["request 2 of 1 without b"]);
    queue.tick(IDLE_LEASE_MS);
    expect(words(queue)).toEqual(["release x"]);
  });

  it("sends everybody home when pantsd is not there", () => {
    const queue = new Queue(30_000);
    queue.add(job(1), 0);
    words(queue);
    queue.absent(1);
    expect(words(queue)).toEqual(["job 1 here: no pantsd on this host"]);
  });
});
