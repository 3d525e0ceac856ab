import { describe, expect, it } from "vitest";
import { WorkMemory } from "../../src/core/kinds/memory.js";
import { IDLE_LEASE_MS } from "../../src/helper/leases.js";
import { type Effect, Queue, type Waiting } from "../../src/helper/queue.js";
import type { Lease } from "../../src/wire/control.js";

const lease = (id: string, host = "b"): Lease => ({ id, host, lifeMs: 10_000 });
/** A host with two slots, of which so many are free, and room for as many beside them. */
const home = (free: number, taken = 2 - free, total = 2) => ({ free, taken, total, room: 2 * total - taken });
const job = (id: number, excluded: string[] = [], away = false) => ({
  id,
  excluded: new Set(excluded),
  away,
});
/** May be sent ahead, and takes half a second. */
const short = (id: number, excluded: string[] = []) => ({
  ...job(id, excluded),
  ahead: true,
  need: { cpuMs: 500, waitMs: 0, ownMs: 250, ioKb: 0, memoryMb: 20 },
});

/** What the queue wants done, in words. */
function words(queue: Queue): string[] {
  return queue.take().map((e: Effect) => {
    if (e.do === "assign")
      return `job ${e.job} to ${e.lease.host} by ${e.lease.id}${e.ahead ? ", ahead" : ""}`;
    if (e.do === "follow") return `job ${e.job} follows`;
    if (e.do === "callBack") return `job ${e.job} back`;
    if (e.do === "look") return `look at job ${e.job}`;
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

  it("does not wait for the end of others when no other host can run it", () => {
    const queue = new Queue(30_000);
    queue.slotsHere({ ...home(0), room: 1 }, 0);
    queue.add(job(1), 0);
    queue.granted(1, [lease("x")], 0);
    words(queue);
    queue.add(job(2, ["b"]), 1);
    queue.add(job(3), 1);
    queue.add(job(4, ["b"], true), 1);
    expect(words(queue)).toEqual(["request 2 of 1 without b"]);
    queue.denial(2, 500, "no suitable host is free", 2);
    expect(words(queue)).toEqual(["job 2 here: no suitable host is free", "request 3 of 1"]);
    queue.denial(3, 500, "every suitable host is full", 3);
    // There is no room here for another one, but then there is.
    expect(words(queue)).toEqual([]);
    queue.slotsHere({ ...home(0), room: 1 }, 4);
    expect(words(queue)).toEqual(["job 4 here: no suitable host is free"]);
    queue.freed("x", true, 5);
    expect(words(queue)).toEqual(["job 3 to b by x"]);
  });

  it("waits when the hosts that can run it are full", () => {
    const queue = new Queue(30_000);
    queue.slotsHere({ ...home(0), room: 1 }, 0);
    queue.add(job(1, ["c"]), 0);
    queue.granted(1, [lease("x")], 0);
    queue.add(job(2, ["c"]), 1);
    words(queue);
    queue.denial(2, 500, "every suitable host is full", 2);
    queue.tick(400);
    expect(words(queue)).toEqual([]);
  });

  it("runs jobs here at once where those that have the slots only wait, as many as they leave CPUs", () => {
    const queue = new Queue(30_000);
    const asleep = { ...home(0), room: 0, beside: 2, sleeping: 3 };
    queue.slotsHere(asleep, 0);
    queue.add(job(1), 0);
    queue.granted(1, [lease("x")], 0);
    queue.add(job(2), 1);
    queue.add(job(3), 1);
    words(queue);
    queue.denial(2, 60_000, "every suitable host is full", 2);
    expect(words(queue)).toEqual(["job 2 here: a slot is free here"]);
    // There is no word for it, but it runs.
    queue.slotsHere(asleep, 3);
    queue.tick(500);
    expect(words(queue)).toEqual([]);
    queue.slotsHere({ ...asleep, sleeping: 4 }, 1000);
    expect(words(queue)).toEqual(["job 3 here: a slot is free here"]);
  });

  it("makes room for a short job where long ones have all places, and for those that follow at once", () => {
    const queue = new Queue(30_000);
    const full = { ...home(0), room: 0 };
    queue.slotsHere(full, 0);
    queue.add(job(1), 0);
    queue.granted(1, [lease("x")], 0);
    words(queue);
    queue.add(short(2), 5000);
    queue.add(short(3), 5000);
    queue.denial(2, 60_000, "every suitable host is full", 5001);
    words(queue);
    for (let now = 5025; now < 7100; now += 25) queue.tick(now);
    expect(words(queue)).toEqual(["job 2 here: sooner here than in a slot elsewhere"]);
    queue.slotsHere(full, 7100);
    queue.endedHere(2, 7100);
    queue.tick(7100);
    expect(words(queue)).toEqual(["job 3 here: sooner here than in a slot elsewhere"]);
    queue.endedHere(3, 7200);
    // A place came free after all: as much room as usual.
    queue.freed("x", true, 7300);
    queue.granted(3, [lease("y")], 7300);
    queue.slotsHere(full, 7300);
    for (const id of [4, 5, 6]) queue.add(short(id), 7300);
    queue.denial(3, 60_000, "every suitable host is full", 7301);
    words(queue);
    queue.tick(8300);
    expect(words(queue)).toEqual([]);
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

  describe("with jobs that may be piped to each other", () => {
    /** One runs elsewhere, the cluster is full, and so is this host, beside its slots too. */
    const full = (...waiting: readonly Waiting[]): Queue => {
      const queue = new Queue(30_000);
      queue.slotsHere({ ...home(0), room: 0 }, 0);
      queue.add(short(1), 0);
      queue.granted(1, [lease("x")], 0);
      for (const one of waiting) queue.add(one, 0);
      words(queue);
      queue.denial(2, 60_000, "full", 1);
      return queue;
    };

    it("runs one here soon, whatever the load, for its neighbour may wait for it in a slot", () => {
      const queue = full({ ...job(2), piped: "yes" }, job(3));
      queue.tick(249);
      expect(words(queue)).toEqual([]);
      queue.tick(250);
      expect(words(queue)).toEqual(["job 2 here: another program waits for it, through a pipe"]);
    });

    it("does not send it ahead, to wait for a place there", () => {
      const queue = full({ ...short(2), piped: "yes" });
      queue.tick(100);
      expect(words(queue)).toEqual([]);
      queue.add(short(3), 100);
      expect(words(queue)).toEqual(["job 3 to b by x, ahead"]);
    });

    it("looks again and again, less and less often, at one that may be", () => {
      const queue = full({ ...job(2), piped: "maybe" });
      const looks: number[] = [];
      for (let now = 0; now <= 1500; now += 50) {
        queue.tick(now);
        if (words(queue).includes("look at job 2")) looks.push(now);
      }
      expect(looks).toEqual([250, 500, 1000]);
      queue.piped(2, 1500);
      queue.tick(1525);
      expect(words(queue)).toEqual(["job 2 here: another program waits for it, through a pipe"]);
    });

    it("runs one here when nothing begins or ends any more, and the next after twice as long", () => {
      const queue = full(
        { ...job(2), piped: "maybe" },
        { ...job(3), piped: "no" },
        { ...job(4), piped: "maybe" },
      );
      const ran: string[] = [];
      for (let now = 0; now <= 7000; now += 100) {
        queue.tick(now);
        const here = words(queue).find((word) => word.includes("here"));
        if (here) ran.push(`${now}: ${here.slice(0, 10)}`);
      }
      expect(ran).toEqual(["2000: job 2 here", "6000: job 4 here"]);
    });

    it("runs none when something ends", () => {
      const queue = full({ ...job(3), piped: "no" });
      queue.add({ ...job(5), piped: "maybe" }, 7000);
      queue.freed("x", true, 7100); // job 3 has the lease now
      queue.tick(9000);
      expect(words(queue).join()).not.toContain("here");
    });
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

  /** x on host b and y on c run a job each, and the cluster has no more. */
  function full(queue: Queue): void {
    queue.add(short(1), 0);
    queue.granted(1, [lease("x")], 0);
    queue.add(short(2), 100);
    queue.granted(2, [lease("y", "c")], 100);
    queue.add(short(3), 100);
    queue.denial(3, 5000, "full", 100);
  }

  it("sends a job ahead to where the next slot comes free, when no other host takes it", () => {
    const queue = new Queue(30_000);
    full(queue);
    expect(words(queue).at(-1)).toBe("job 3 to b by x, ahead");
    queue.add(short(4), 110);
    queue.add(short(5), 110);
    expect(words(queue)).toEqual(["job 4 to c by y, ahead"]);
    queue.freed("x", true, 500);
    expect(words(queue)).toEqual(["job 3 follows", "job 5 to b by x, ahead"]);
  });

  it("keeps at home what may run only once, what nothing is known of, and what cannot run there", () => {
    const queue = new Queue(30_000);
    full(queue);
    words(queue);
    queue.add({ ...short(4), ahead: false }, 110);
    queue.add(short(5, ["c"]), 110);
    expect(words(queue)).toEqual(["request 4 of 1 without c"]);
    queue.denial(4, 5000, "every suitable host is full", 111);
    expect(words(queue)).toEqual([]);
    queue.freed("y", true, 400);
    expect(words(queue)).toEqual(["job 4 to c by y"]);
  });

  it("calls a job back for a slot that is free while its turn is far", () => {
    const queue = new Queue(30_000);
    full(queue);
    words(queue);
    queue.freed("y", true, 150);
    expect(words(queue)).toEqual(["job 3 back"]);
    queue.notAhead("x", 3, 160);
    queue.add(short(3), 160);
    expect(words(queue)).toEqual(["job 3 to c by y"]);
  });

  it("calls a job back, once, when what it waits for takes far longer than expected", () => {
    const queue = new Queue(30_000);
    full(queue);
    words(queue);
    queue.tick(2400);
    expect(words(queue)).toEqual([]);
    queue.tick(2600);
    queue.tick(2700);
    expect(words(queue)).toEqual(["job 3 back"]);
  });

  it("leaves a free slot of this host, where jobs take long beside its own work, to those who have no turn elsewhere", () => {
    const queue = new Queue(30_000);
    queue.add(short(1), 0);
    queue.slotsHere(home(1), 0);
    expect(words(queue).at(-1)).toBe("job 1 here: a slot is free here");
    queue.endedHere(1, 2000);
    full(queue);
    words(queue);
    queue.slotsHere(home(1), 200);
    queue.add(short(4), 210);
    expect(words(queue)).toEqual(["job 4 to c by y, ahead"]);
    queue.add(short(5), 220);
    queue.slotsHere(home(1), 230);
    expect(words(queue)).toEqual(["job 5 here: a slot is free here"]);
  });

  it("wants to be asked first while jobs of ours run elsewhere that are worth it", () => {
    const works = new WorkMemory();
    const queue = new Queue(30_000, works);
    queue.add(short(1), 0);
    queue.granted(1, [lease("x")], 0);
    expect(queue.first).toBe(false);
    works.learn(["gcc"], { host: "b", cpuMs: 250, wallMs: 500, ioKb: 0, memoryMb: 20 });
    expect(queue.first).toBe(true);
    queue.freed("x", true, 500);
    expect(queue.first).toBe(false);
  });

  it("keeps an idle lease for longer while somebody was sent ahead, and asks again once it is given back", () => {
    const queue = new Queue(30_000);
    full(queue);
    words(queue);
    queue.freed("y", true, 450);
    queue.tick(450 + 2 * IDLE_LEASE_MS);
    expect(words(queue)).toEqual([]);
    queue.tick(450 + 10 * IDLE_LEASE_MS);
    queue.add(short(5), 1500);
    expect(words(queue).slice(0, 2)).toEqual(["release y", "request 4 of 1"]);
  });

  it("calls a job back for a free slot once only, and sends none ahead behind a job that is long overdue", () => {
    const queue = new Queue(30_000);
    full(queue);
    words(queue);
    queue.freed("y", true, 150);
    expect(words(queue)).toEqual(["job 3 back"]);
    queue.notAhead("x", 3, 160);
    // The slot is not for it after all.
    queue.add(short(3, ["c"]), 160);
    expect(words(queue)).toEqual(["request 4 of 1 without c"]);
    queue.denial(4, 5000, "every suitable host is full", 161);
    expect(words(queue)).toEqual(["job 3 to b by x, ahead"]);
    queue.add(short(4, ["c"]), 170);
    expect(words(queue)).toEqual([]);
    queue.tick(2600);
    expect(words(queue).filter((word) => word.includes("job 3"))).toEqual(["job 3 back"]);
    queue.notAhead("x", 3, 2610);
    queue.add(short(3, ["c"]), 2610);
    expect(words(queue).filter((word) => word.includes("ahead"))).toEqual([]);
  });

  it.each([
    ["is kept from a slow one when it ends much sooner elsewhere", 160, ["request 2 of 1"]],
    ["takes a slow one when it ends hardly sooner elsewhere", 30, ["job 2 to slow by x"]],
  ])("a job beside an idle lease %s", (_, cpuMs, expected) => {
    const memory = new WorkMemory({ speeds: { fast: [0, 5], slow: [-1.4, 5] } });
    const queue = new Queue(30_000, memory);
    const need = { cpuMs, waitMs: 0, ownMs: cpuMs, ioKb: 0, memoryMb: 20 };
    queue.add({ ...job(1), need }, 0);
    queue.granted(1, [lease("x", "slow")], 0);
    words(queue);
    queue.freed("x", true, 1500);
    queue.add({ ...job(2), need }, 1600);
    expect(words(queue)).toEqual(expected);
  });
});
