/** What jobs of other hosts use of this one. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { SessionsCpu } from "../../../src/io/indices/sessions.js";
import { kernel } from "./kernel.js";

const k = kernel();

it("tells what jobs of others use from the rest", () => {
  const stat = (pid: number, name: string, session: number, ticks: string) =>
    k.put(
      `proc/${pid}/stat`,
      `${pid} (${name}) S 1 ${pid} ${session} 0 -1 4194304 1 2 3 4 ${ticks} 20 0 1 0 5 6 7\n`,
    );
  stat(50, "gcc) S 1 1 1", 50, "10 5 20 5");
  stat(51, "cc1", 50, "100 0 0 0");
  stat(60, "make", 60, "900 0 0 0");
  const s = k.sampler();
  s.sample([50]);
  stat(51, "cc1", 50, "140 10 0 0");
  stat(60, "make", 60, "990 0 0 0");
  k.now += 1000;
  const { cpus } = s.world;
  expect(s.sample([50]).guestsCpu).toBeCloseTo(50 / cpus);
  // One that is new counts whole; one that has ended no longer.
  k.now += 1000;
  expect(s.sample([60]).guestsCpu).toBeCloseTo(Math.min(100, 990 / cpus));
  k.now += 1000;
  expect(s.sample([]).guestsCpu).toBe(0);
  // Its slot was taken for four tenths of the time: what it used in them cannot be seen any more, and was nobody else's.
  s.sample([50]);
  k.now += 1000;
  expect(s.sample([], 0.4, cpus).guestsCpu).toBeCloseTo(40 / cpus);
  // A slot for all of the time, by one that is there: what it used was measured.
  s.sample([60]);
  stat(60, "make", 60, "1000 0 0 0");
  k.now += 1000;
  expect(s.sample([60], 1, cpus).guestsCpu).toBeCloseTo(10 / cpus);
  // One that came and is there, after another that took the slot for the first half.
  stat(61, "cc1", 61, "50 0 0 0");
  k.now += 1000;
  expect(s.sample([61], 1, cpus).guestsCpu).toBeCloseTo(100 / cpus);
});

it("sees a session's processes that were there before it was asked for, and one that took another's number", () => {
  const stat = (pid: number, session: number, ticks: number) =>
    k.put(
      `proc/${pid}/stat`,
      `${pid} (x) S 1 ${pid} ${session} 0 -1 0 1 2 3 4 ${ticks} 0 0 0 20 0 1 0 5 6 7\n`,
    );
  const c = new SessionsCpu(join(k.root, "proc"));
  for (const pid of [50, 60]) stat(pid, pid, 0);
  for (const pid of [51, 52]) stat(pid, 50, 0);
  expect(c.growth([60])).toMatchObject({ ticks: 0 });
  stat(51, 50, 7);
  expect(c.growth([50, 60])).toMatchObject({ ticks: 7, freshTicks: 7 });
  // What is nobody's is seldom looked at again, but it is.
  expect(c.growth([60])).toMatchObject({ ticks: 0 });
  stat(52, 60, 30);
  const seen = Array.from({ length: 10 }, () => c.growth([60]).ticks);
  expect(seen.filter((ticks) => ticks === 30)).toHaveLength(1);
});
