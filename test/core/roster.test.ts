/** The leader's table: running totals and lists against a dumb twin, and placement that looks at few entries. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { GrantedLease } from "../../src/core/grants.js";
import { anyHost, type Wanted } from "../../src/core/kinds/need.js";
import type { Available, Sender } from "../../src/core/messages.js";
import { expectedLoad, place } from "../../src/core/placement.js";
import { Roster, type RosterEntry } from "../../src/core/roster.js";
import { randomFrom } from "../sim/random.js";

const sender = (host: string): Sender => ({ host, id: host, boot: "1", address: host });
const report = (free: number, guests = 0, cpuPercent = 0, compat = "any"): Available => ({
  type: "available",
  epoch: 1,
  free,
  total: free + guests,
  guests,
  cpuPercent,
  availableMb: 0,
  ioPercent: 0,
  compat,
});
const lease = (id: string, host: string, grantedAt: number): GrantedLease => ({
  id,
  host,
  home: "home",
  grantedAt,
  expiresAt: 1000,
});

/** What an entry should offer, counted from its leases. */
function counted({ report: { free, guests }, leases, reportedAt }: RosterEntry): number {
  const old = [...leases].filter(({ grantedAt }) => grantedAt < reportedAt).length;
  return free + Math.min(guests, old) - leases.size;
}

const hosts = ["a", "b", "c", "d", "e"];
const operation = fc.record({
  what: fc.constantFrom("report", "grant", "end", "remove"),
  host: fc.constantFrom(...hosts),
  free: fc.integer({ min: 0, max: 4 }),
  guests: fc.integer({ min: 0, max: 3 }),
  compat: fc.constantFrom("x86", "arm"),
});

test("totals and lists agree with what is counted, whatever happens", () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const roster = new Roster(4);
      const leases: GrantedLease[] = [];
      for (const [now, { what, host, free, guests, compat }] of operations.entries()) {
        const entry = roster.get(host);
        if (what === "report") roster.report(sender(host), report(free, guests, 0, compat), now, now + 100);
        else if (what === "remove") roster.remove(host);
        else if (what === "grant" && entry) {
          const one = lease(`${now}`, host, free === 0 ? Number.NEGATIVE_INFINITY : now);
          leases.push(one);
          roster.attach(entry, one);
        } else if (what === "end") {
          const one = leases.pop();
          if (one) roster.detach(one);
        }
        const entries = roster.entries();
        expect(entries.length).toBeLessThanOrEqual(4);
        for (const { offer, ...of } of entries) expect(offer).toBe(counted({ ...of, offer }));
        expect(roster.free).toBe(entries.reduce((sum, { offer }) => sum + Math.max(0, offer), 0));
        for (const kind of ["x86", "arm"]) {
          const offering = entries.filter((one) => one.report.compat === kind && one.offer > 0);
          expect(new Set(roster.offering(kind))).toEqual(new Set(offering));
          const beside = new Set(["a", "b"]);
          const others = entries.some((one) => one.report.compat === kind && !beside.has(one.host));
          expect(roster.knows(kind, beside)).toBe(others);
        }
      }
    }),
  );
});

describe("placement", () => {
  const random = randomFrom(1);

  function choose(
    offering: readonly RosterEntry[],
    excluded: ReadonlySet<string> = new Set(),
    wanted: Wanted = anyHost,
    preferred: readonly RosterEntry[] = [],
    now = 0,
  ): RosterEntry | undefined {
    return place({ offering, preferred }, wanted, excluded, random, now);
  }

  function of(count: number): Roster {
    const roster = new Roster(20_000);
    for (let n = 0; n < count; n++) roster.report(sender(`h${n}`), report(1), 0, 1000);
    return roster;
  }

  test("takes the lesser loaded of two", () => {
    const roster = new Roster(2);
    roster.report(sender("idle"), report(2, 0, 5), 0, 1000);
    roster.report(sender("loaded"), report(2, 0, 80), 0, 1000);
    for (let run = 0; run < 100; run++) expect(choose(roster.offering("any"))?.host).toBe("idle");
  });

  test("leaves the choice to chance among many, so that those who ask at once spread", () => {
    const offering = of(100).offering("any");
    const chosen = Array.from({ length: 200 }, () => choose(offering)?.host);
    expect(new Set(chosen).size).toBeGreaterThan(70);
  });

  test("counts what was promised since the report, and fades the report with its age", () => {
    const roster = new Roster(1);
    roster.report(sender("a"), report(4, 0, 20), 0, 1000);
    const entry = roster.get("a") as RosterEntry;
    expect(expectedLoad(entry, 0)).toBe(20);
    expect(expectedLoad(entry, 60_000)).toBeCloseTo(50, 1);
    roster.attach(entry, lease("1", "a", 0));
    expect(expectedLoad(entry, 0)).toBe(45);
  });

  test("finds the one that suits among many that are excluded, and none when there is none", () => {
    const excluded = new Set(Array.from({ length: 12 }, (_, n) => `h${n}`));
    for (let run = 0; run < 200; run++) expect(choose(of(13).offering("any"), excluded)?.host).toBe("h12");
    expect(choose(of(12).offering("any"), excluded)).toBeUndefined();
    expect(choose([], excluded)).toBeUndefined();
  });

  test("looks at no more entries in a table of ten thousand than in one of a hundred", () => {
    const excluded = new Set(Array.from({ length: 12 }, (_, n) => `h${n}`));
    let looks = 0;
    const watched = new Proxy(of(10_000).offering("any"), {
      get: (list, key) => {
        if (typeof key === "string" && /^\d+$/.test(key)) looks += 1;
        return Reflect.get(list, key) as unknown;
      },
    });
    for (let run = 0; run < 1000; run++) choose(watched, excluded);
    expect(looks).toBeLessThan(1000 * 2 * (excluded.size + 2));
  });

  describe("of jobs of which more is known", () => {
    const many = (each: (n: number) => Partial<Available>, count = 6): Roster => {
      const roster = new Roster(100);
      for (let n = 0; n < count; n++) roster.report(sender(`h${n}`), { ...report(2), ...each(n) }, 0, 1000);
      return roster;
    };

    test("that live by the disk: where the disk is idle, however the CPUs are", () => {
      const roster = many((n) => ({ ioPercent: n === 3 ? 2 : 60, cpuPercent: n === 3 ? 50 : 0 }));
      for (let run = 0; run < 50; run++)
        expect(choose(roster.offering("any"), new Set(), { ...anyHost, io: true })?.host).toBe("h3");
      const disk = roster.get("h3") as RosterEntry;
      // One that is not known to live by it is no matter, one that does is, before the host reports it.
      roster.attach(disk, lease("1", "h3", 0));
      const wanted = { ...anyHost, io: true };
      expect(choose(roster.offering("any"), new Set(), wanted)?.host).toBe("h3");
      roster.report(sender("h3"), { ...report(3), ioPercent: 2 }, 0, 1000);
      roster.attach(disk, { ...lease("2", "h3", 0), wanted });
      expect(choose(roster.offering("any"), new Set(), wanted)).toBeUndefined();
      expect(choose(roster.offering("any"), new Set(), wanted, [], 5000)?.host).toBe("h3");
    });

    test("that take memory: only where there is room beside what was promised, or where nobody tells", () => {
      const wanted = { ...anyHost, memoryMb: 512 };
      const roster = many((n) => ({ availableMb: n === 4 ? 1100 : 500 }));
      const { offering } = { offering: roster.offering("any") };
      for (let run = 0; run < 50; run++) expect(choose(offering, new Set(), wanted)?.host).toBe("h4");
      const entry = roster.get("h4") as RosterEntry;
      roster.attach(entry, { ...lease("1", "h4", 0), wanted });
      expect(choose(offering, new Set(), wanted)?.host).toBe("h4");
      roster.report(sender("h4"), { ...report(3), availableMb: 1100 }, 0, 1000);
      roster.attach(entry, { ...lease("2", "h4", 0), wanted });
      expect(choose(offering, new Set(), wanted)).toBeUndefined();
      // By then they have taken what they take, and its report shows it.
      expect(choose(offering, new Set(), wanted, [], 10_000)?.host).toBe("h4");
      expect(choose(offering)?.host).toMatch(/^h/);
      roster.report(sender("silent"), report(2), 0, 1000);
      expect(choose(roster.offering("any"), new Set(), wanted)?.host).toBe("silent");
    });

    test("that prefer hosts: the first that has a slot, is not excluded, and suits; else any", () => {
      const roster = many(() => ({}));
      roster.report(sender("full"), report(0, 2), 0, 1000);
      roster.report(sender("arm"), report(2, 0, 0, "arm"), 0, 1000);
      const named = (...hosts: string[]) => hosts.flatMap((host) => roster.get(host) ?? []);
      const prefer = (hosts: RosterEntry[], excluded: string[] = []) =>
        choose(roster.offering("any"), new Set(excluded), anyHost, hosts)?.host;
      expect(prefer(named("full", "arm", "h5", "h1"))).toBe("h5");
      expect(prefer(named("full", "arm", "h5", "h1"), ["h5"])).toBe("h1");
      expect(prefer(named("full"))).toMatch(/^h\d$/);
    });
  });
});
