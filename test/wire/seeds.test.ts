/** Seeds: who joins, what goes by them and when, and how a host finds out that multicast does not reach it. */
import { describe, expect, test } from "vitest";
import { type Envelope, type Group, noSeed } from "../../src/wire/envelope.js";
import { Reach } from "../../src/wire/reach.js";
import { membersMax, Reflector } from "../../src/wire/reflector.js";
import { Seeds, seedsMax } from "../../src/wire/seeds.js";

interface Host {
  readonly name: string;
  readonly seeds: Seeds;
  readonly groups: { free: boolean; leader: boolean };
  /** Datagrams of groups, as they came: "b by s". */
  heard: string[];
}

const bootOf = (name: string) => Buffer.from(name).toString("hex").padStart(16, "0");

/** Hosts whose datagrams arrive at once. Multicast reaches whom `reaches` says. */
class Net {
  now = 0;
  readonly hosts = new Map<string, Host>();
  readonly down = new Set<string>();
  reaches: (from: string, to: string) => boolean = () => false;
  /** Envelopes by type. */
  readonly sent: Record<string, number> = {};
  #number = 0;
  #sequence = 0;

  host(name: string, seeds: readonly string[]): Host {
    const host: Host = {
      name,
      groups: { free: true, leader: false },
      heard: [],
      seeds: new Seeds(bootOf(name), (to, message) => {
        for (const address of to) this.#unicast(name, address, message);
      }),
    };
    this.hosts.set(name, host);
    host.seeds.groups(host.groups, this.now);
    host.seeds.use(seeds, this.now);
    return host;
  }

  join(host: Host, free: boolean, leader: boolean): void {
    Object.assign(host.groups, { free, leader });
    host.seeds.groups(host.groups, this.now);
  }

  /** A host sends to a group: by multicast, and as its seeds see fit. */
  say(from: Host, group: Group): void {
    this.#number += 1;
    const copy = `${from.name} ${this.#number}`;
    const firsts = new Set<string>();
    for (const to of this.hosts.values()) {
      if (to === from || !to.groups[group] || !this.reaches(from.name, to.name)) continue;
      firsts.add(to.name);
      to.heard.push(`${from.name} by multicast`);
      to.seeds.viaGroup(from.name, this.now);
    }
    this.#firsts.set(copy, firsts);
    from.seeds.pass(group, Buffer.from(copy), this.now);
  }

  readonly #firsts = new Map<string, Set<string>>();

  run(ms: number, each: () => void = () => undefined, everyMs = 400): void {
    const end = this.now + ms;
    let eachAt = this.now;
    while (this.now < end) {
      this.now += 10;
      for (const host of this.hosts.values()) if (host.seeds.wakeAt() <= this.now) host.seeds.tick(this.now);
      if (this.now < eachAt) continue;
      eachAt = this.now + everyMs;
      each();
    }
  }

  #unicast(from: string, to: string, message: Envelope): void {
    this.sent[message.type] = (this.sent[message.type] ?? 0) + 1;
    const host = this.hosts.get(to);
    if (!host || this.down.has(from) || this.down.has(to)) return;
    this.#sequence += 1;
    const by = { address: from, boot: bootOf(from), sequence: this.#sequence };
    if (message.type === "join") host.seeds.onJoin(by, message, this.now);
    else if (message.type === "joined") host.seeds.onJoined(by, message, this.now);
    else {
      if (message.type === "relay") host.seeds.onRelay(from, message.group, message.data, this.now);
      if (!host.seeds.isMember(message.group)) return;
      const copy = Buffer.from(message.data).toString();
      const [origin = ""] = copy.split(" ");
      const firsts = this.#firsts.get(copy);
      const first = firsts !== undefined && !firsts.has(to);
      firsts?.add(to);
      if (first) host.heard.push(`${origin} by ${from}`);
      host.seeds.viaSeed(origin, copy, first, this.now);
    }
  }
}

describe("without multicast", () => {
  test("what a host says to a group comes to each other member by the seeds, once as the first copy", () => {
    const net = new Net();
    const [s, t] = [net.host("s", ["t"]), net.host("t", ["s"])];
    const [a, b] = [net.host("a", ["s", "t"]), net.host("b", ["s", "t"])];
    net.say(a, "free");
    expect(b.heard).toEqual(["a by s"]);
    expect([s.heard, t.heard]).toEqual([["a by a"], ["a by s"]]);
    expect(a.heard).toEqual([]);
    net.join(b, true, true);
    net.say(a, "leader");
    expect(b.heard).toEqual(["a by s", "a by s"]);
    net.say(s, "free");
    expect(a.heard).toEqual(["s by s"]);
  });

  test("a host that is in no group hears nothing but answers", () => {
    const net = new Net();
    net.host("s", []);
    const [a, b] = [net.host("a", ["s"]), net.host("b", ["s"])];
    net.join(b, false, false);
    net.run(20_000, () => net.say(a, "free"));
    expect(b.heard).toEqual([]);
    expect(b.seeds.answering(net.now)).toBe(1);
  });

  test("a seed that goes is missed by nobody while another is there; a host that goes is forgotten", () => {
    const net = new Net();
    net.host("s", ["t"]);
    net.host("t", ["s"]);
    const [a, b] = [net.host("a", ["s", "t"]), net.host("b", ["s", "t"])];
    net.run(1000, () => net.say(a, "free"));
    net.down.add("s");
    const before = b.heard.length;
    net.run(20_000, () => net.say(a, "free"));
    expect(b.heard.length - before).toBe(50);
    expect(a.seeds.answering(net.now)).toBe(1);
    net.down.add("b");
    const relayed = () => net.sent["relayed"] ?? 0;
    net.run(11_000);
    const [at, heard] = [relayed(), b.heard.length];
    net.say(a, "free");
    expect(relayed()).toBe(at);
    expect(b.heard.length).toBe(heard);
  });

  test("a JOIN that is lost is repeated at once, and later with the beat", () => {
    const net = new Net();
    net.host("s", []);
    const a = net.host("a", []);
    net.down.add("s");
    a.seeds.use(["s"], net.now);
    net.run(100);
    net.down.delete("s");
    net.run(200);
    expect(a.seeds.answering(net.now)).toBe(1);
    const joins = net.sent["join"] ?? 0;
    net.run(30_000);
    expect((net.sent["join"] ?? 0) - joins).toBe(10);
  });
});

describe("whether multicast reaches a host", () => {
  const all = () => true;

  test("it does: after the first datagrams the seeds get one in three seconds", () => {
    const net = new Net();
    net.reaches = all;
    net.host("s", []);
    const [a, b] = [net.host("a", ["s"]), net.host("b", ["s"])];
    const both = () => {
      net.say(a, "free");
      net.say(b, "free");
    };
    net.run(10_000, both);
    expect([a, b].map(({ seeds }) => seeds.reach.verdict)).toEqual(["yes", "yes"]);
    const before = net.sent["relay"] ?? 0;
    net.run(30_000, both);
    expect((net.sent["relay"] ?? 0) - before).toBeLessThanOrEqual(2 * 11);
  });

  test("no more: found out within 7 s; and when it is back, the seeds are left alone again", () => {
    const net = new Net();
    net.reaches = all;
    const s = net.host("s", []);
    const [a, b] = [net.host("a", ["s"]), net.host("b", ["s"])];
    const talk = () => {
      net.say(a, "free");
      net.say(s, "free");
    };
    net.run(20_000, talk);
    expect(b.seeds.reach.verdict).toBe("yes");
    net.reaches = (_from, to) => to !== "b";
    net.run(7000, talk);
    expect(b.seeds.reach.verdict).toBe("no");
    expect(a.seeds.reach.verdict).toBe("yes");
    net.run(3500, talk);
    b.heard = [];
    net.run(10_000, talk);
    expect(b.heard.filter((line) => line === "a by s").length).toBe(25);
    net.reaches = all;
    net.run(7000, talk);
    expect(b.seeds.reach.verdict).toBe("yes");
    const before = net.sent["relay"] ?? 0;
    net.run(12_000, talk);
    expect((net.sent["relay"] ?? 0) - before).toBeLessThanOrEqual(5);
  });

  test("two networks that a seed joins: each hears itself, and needs the seed for the other", () => {
    const net = new Net();
    const left = (name: string) => name < "m";
    net.reaches = (from, to) => left(from) === left(to);
    net.host("b", []);
    const [a, x] = [net.host("a", ["b"]), net.host("x", ["b"])];
    const y = net.host("y", ["b"]);
    net.run(20_000, () => {
      for (const host of [a, x, y]) net.say(host, "free");
    });
    expect([a, x, y].map(({ seeds }) => seeds.reach.verdict)).toEqual(["no", "no", "no"]);
    y.heard = [];
    net.say(a, "free");
    net.say(x, "free");
    expect(y.heard).toEqual(["a by b", "x by multicast"]);
  });

  test("one lost copy proves nothing", () => {
    const reach = new Reach();
    for (let now = 0; now < 600_000; now += 10_000) {
      if (now % 20_000 === 0) reach.viaGroup("a", now);
      reach.viaSeed("a", now + 1);
    }
    expect(reach.verdict).toBe("yes");
    reach.viaSeed("a", 600_000);
    reach.viaSeed("a", 601_000);
    expect(reach.verdict).toBe("no");
  });
});

describe("a seed's table", () => {
  const join = { type: "join", seed: bootOf("s"), free: true, leader: false, need: true } as const;
  const by = (address: string, sequence = 1) => ({ address, boot: bootOf(address), sequence });

  test("has a bound, and keeps whom it has", () => {
    const reflector = new Reflector();
    for (let n = 0; n < membersMax; n++) expect(reflector.join(by(`h${n}`), join, 0)).toBe(true);
    expect(reflector.join(by("late"), join, 1)).toBe(false);
    expect(reflector.join(by("h0", 2), { ...join, need: false }, 5000)).toBe(true);
    expect(reflector.needing).toBe(membersMax - 1);
    expect(reflector.others("free", "h0", 10_000)).toEqual([]);
    expect([reflector.size, reflector.needing]).toEqual([1, 0]);
  });

  test("takes no change of groups for newer than one that was said later, unless its host started anew", () => {
    const reflector = new Reflector();
    reflector.join(by("a", 5), { ...join, free: false }, 0);
    expect(reflector.join(by("a", 4), join, 1)).toBe(true);
    expect(reflector.others("free", "", 1)).toEqual([]);
    reflector.join(by("a", 6), join, 2);
    expect(reflector.others("free", "", 2)).toEqual(["a"]);
    reflector.join({ ...by("a", 1), boot: bootOf("a again") }, { ...join, free: false }, 3);
    expect(reflector.others("free", "", 3)).toEqual([]);
  });

  test("takes in no one whose JOIN names another seed, none, or an earlier start of this one", () => {
    const net = new Net();
    const s = net.host("s", []);
    net.host("a", []);
    for (const seed of [noSeed, bootOf("t"), bootOf("s before")])
      s.seeds.onJoin(by("a"), { ...join, seed }, 0);
    expect([s.seeds.serving, net.sent]).toEqual([0, { joined: 3 }]);
    s.seeds.onJoin(by("a"), join, 0);
    expect(s.seeds.serving).toBe(1);
  });

  test("the list of seeds has a bound too", () => {
    const seeds = new Seeds(bootOf("a"), () => undefined);
    seeds.use(
      Array.from({ length: 100 }, (_, n) => `s${n}`),
      0,
    );
    expect(seeds.count).toBe(seedsMax);
    seeds.use([], 1);
    expect(seeds.wakeAt()).toBe(Number.POSITIVE_INFINITY);
  });
});
