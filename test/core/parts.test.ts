/** Small parts of the core: who goes first, who has a name, what is remembered, how timers grow. */
import { describe, expect, test } from "vitest";
import { beats, established } from "../../src/core/candidacy.js";
import { Grants } from "../../src/core/grants.js";
import { Names } from "../../src/core/names.js";
import { Refused } from "../../src/core/namesake.js";
import { Recent } from "../../src/core/recent.js";
import { Refusals } from "../../src/core/refusals.js";
import { backoffFor, deafFor, defaultTuning, refreshFor, soonerThan } from "../../src/core/tuning.js";

const tuning = defaultTuning;

describe("of two who want to lead", () => {
  const one = { epoch: 3, ballot: 100, id: "b" };

  test.each([
    ["the higher epoch", { epoch: 4, ballot: 900, id: "c" }],
    ["the lower ballot of one epoch", { epoch: 3, ballot: 99, id: "c" }],
    ["the lower id of one ballot", { epoch: 3, ballot: 100, id: "a" }],
  ])("%s goes first", (_rule, other) => {
    expect(beats(other, one)).toBe(true);
    expect(beats(one, other)).toBe(false);
  });

  test("nobody goes before itself", () => {
    expect(beats(one, one)).toBe(false);
  });

  test("votes or hosts show that a leader hears", () => {
    const advert = { type: "advert", epoch: 1, ballot: 1, free: 0, refreshMs: 1000, spreadMs: 10 } as const;
    expect(established({ ...advert, hosts: 1, votes: 0 })).toBe(false);
    expect(established({ ...advert, hosts: 1, votes: 1 })).toBe(true);
    expect(established({ ...advert, hosts: 2, votes: 0 })).toBe(true);
  });
});

describe("a name", () => {
  const first = { host: "x", id: "1", boot: "b1", address: "here" };
  const second = { host: "x", id: "2", boot: "b2", address: "there" };

  test("is kept by the first machine while it lives", () => {
    const names = new Names(10);
    expect(names.admit(first, 0, 100).kind).toBe("known");
    expect(names.admit(second, 50, 150)).toMatchObject({
      kind: "namesake",
      holder: { id: "1", address: "here" },
    });
    expect(names.admit(first, 90, 190).kind).toBe("known");
    expect(names.admit(second, 150, 250).kind).toBe("namesake");
    expect(names.admit(second, 190, 290).kind).toBe("known");
    expect(names.admit(first, 200, 300).kind).toBe("namesake");
  });

  test("stays with a machine that starts anew; what it said before is out of date", () => {
    const names = new Names(10);
    const anew = { ...first, boot: "b3" };
    names.admit(first, 0, 100);
    expect(names.admit(anew, 10, 110).kind).toBe("anew");
    expect(names.admit(anew, 20, 120).kind).toBe("known");
    expect(names.admit(first, 30, 130).kind).toBe("outdated");
  });

  test("goes unnoted in a full table, and is forgotten in time", () => {
    const names = new Names(2);
    for (const host of ["a", "b", "c"]) names.admit({ ...first, host }, 0, 100);
    expect(names.size).toBe(2);
    names.sweep(100);
    expect(names.size).toBe(0);
  });
});

test("a refused host tries again after a while that nothing prolongs", () => {
  const refused = new Refused(tuning);
  expect(refused.start("there", 0)).toBe(true);
  expect(refused.start("elsewhere", tuning.namesakeMs - 1)).toBe(false);
  expect(refused.by).toBe("there");
  expect(refused.remainingMs(tuning.namesakeMs - 1)).toBe(1);
  expect(refused.end(tuning.namesakeMs - 1)).toBe(false);
  expect(refused.end(tuning.namesakeMs)).toBe(true);
  expect(refused.wakeAt()).toBe(Number.POSITIVE_INFINITY);
});

test("answers are remembered for half of the bound at least, and never beyond it", () => {
  const recent = new Recent<number>(8);
  for (let n = 0; n < 100; n++) {
    recent.set(`${n}`, n);
    expect(recent.size).toBeLessThanOrEqual(8);
    for (let back = 0; back < Math.min(n, 4); back++) expect(recent.get(`${n - back}`)).toBe(n - back);
  }
  expect(recent.get("0")).toBeUndefined();
});

test("leases end in their order, and a renewed one goes to the end", () => {
  const grants = new Grants();
  const lease = (id: string, expiresAt: number) => ({ id, host: "a", home: "h", grantedAt: 0, expiresAt });
  for (const [id, expiresAt] of [
    ["1", 10],
    ["2", 20],
    ["3", 30],
  ] as const)
    grants.add(lease(id, expiresAt));
  const first = grants.get("1");
  if (first) grants.renew(first, 40);
  const ended: string[] = [];
  for (const one of grants.expired(30)) {
    ended.push(one.id);
    grants.remove(one);
  }
  expect(ended).toEqual(["2", "3"]);
  expect([...grants.ofHome("h")].map(({ id }) => id)).toEqual(["1"]);
});

test("a denial stands until it is over, or a slot is given back", () => {
  const refusals = new Refusals(tuning);
  refusals.denied("any", { retryMs: 500, why: "full" }, false, 0);
  expect(refusals.standing("any", 100)?.why).toBe("full");
  expect(refusals.worthAskingAt(100)).toBe(500);
  refusals.givenBack();
  expect(refusals.standing("any", 100)).toBeNull();
  expect(refusals.worthAskingAt(100)).toBe(0);
});

test("no leader is remembered for a quarter of the time that it has been so, within bounds", () => {
  const refusals = new Refusals(tuning);
  const waits = [0, 310, 1000, 2000, 10_000].map((now) => Math.round(refusals.silent(now)));
  expect(waits).toEqual([250, 250, 250, 500, 1000]);
  refusals.answered();
  expect(refusals.standing("any", 10_100)).toBeNull();
  expect(refusals.silent(20_000)).toBe(250);
});

describe("timers that grow with the hosts", () => {
  test.each([
    [1, 1000, 120],
    [7, 1587, 120],
    [100, 6000, 1200],
    [1000, 18_974, 1200],
    [10_000, 60_000, 1200],
  ])("%d hosts", (hosts, refreshMs, backoffMs) => {
    expect(refreshFor(hosts, tuning)).toBe(refreshMs);
    expect(backoffFor(hosts, tuning)).toBe(backoffMs);
  });

  test("a leader of many finds out in 2.4 s that it is deaf, one of ten before it drops them", () => {
    for (const others of [100, 1000, 10_000]) expect(deafFor(others, tuning)).toBe(2 * tuning.silenceMs);
    for (const others of [8, 16, 32])
      expect(deafFor(others, tuning)).toBeLessThan(3 * refreshFor(others, tuning));
  });

  test("a leader's reports at rest grow slower than its hosts, up to ten thousand", () => {
    const rates = [10, 100, 1000, 10_000].map((hosts) => (1000 * hosts) / refreshFor(hosts, tuning));
    for (const [at, rate] of rates.entries()) expect(rate / (rates[at - 1] ?? rate)).toBeLessThan(3.3);
    expect(soonerThan(6000) * 2).toBeLessThan(6000);
  });
});
