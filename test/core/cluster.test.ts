/** What must hold on every run, over a few hundred seeds; a failure names its seed. */
import { describe, expect, test } from "vitest";
import { World } from "../sim/world.js";

const names = (count: number) => Array.from({ length: count }, (_, index) => `h${index}`);
const seeds = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** A settled cluster of free hosts. */
function settled(seed: number, count: number, loss = 0, slots = 2): World {
  const sim = new World({ seed, hosts: names(count), loss, slots });
  for (const name of names(count)) sim.at(sim.random() * 300, () => sim.load(name, false));
  sim.run(3000);
  return sim;
}

function granted(sim: World, home: string): boolean {
  return sim.host(home).answers.some((answer) => answer.kind === "grant");
}

function agreed(sim: World): boolean {
  const [leader, ...others] = sim.leaders();
  if (!leader || others.length > 0) return false;
  const free = [...sim.hosts.values()].filter((host) => host.alive && host.node.role !== "busy");
  return free.every((host) => host.node.leader === leader.name);
}

describe("one agreed leader", () => {
  test.each([0, 0.1])("soon after start, loss %d", (loss) => {
    for (const seed of seeds(100)) {
      const count = 2 + (seed % 30);
      const sim = new World({ seed, hosts: names(count), loss });
      for (const name of names(count)) sim.load(name, false);
      const limit = loss === 0 ? 1500 : 3000;
      expect(
        sim.runUntil(() => agreed(sim), limit),
        `seed ${seed}`,
      ).toBeLessThan(limit);
    }
  });

  test("and it stays, without loss", () => {
    for (const seed of seeds(30)) {
      const sim = settled(seed, 5);
      const [leader] = sim.leaders();
      sim.transcript();
      sim.run(60_000);
      expect(sim.leaders(), `seed ${seed}`).toEqual([leader]);
      expect(sim.transcript(), `seed ${seed}`).not.toContain("CLAIM");
    }
  });

  test("two hosts that become free at once; a lone one leads within 300 ms", () => {
    for (const seed of seeds(100)) {
      const sim = new World({ seed, hosts: ["a", "b"] });
      sim.load("a", false);
      expect(
        sim.runUntil(() => sim.leaders().length === 1, 300),
        `seed ${seed}`,
      ).toBeLessThanOrEqual(300);
      sim.request("b", 1);
      sim.run(10);
      expect(granted(sim, "b"), `seed ${seed}`).toBe(true);
    }
  });

  test("of two halves that meet again, at the first ADVERT", () => {
    for (const seed of seeds(60)) {
      const sim = settled(seed, 8);
      const side = (name: string) => Number(name.slice(1)) % 2;
      sim.connected = (a, b) => side(a) === side(b);
      sim.run(5000);
      expect(sim.leaders().length, `seed ${seed}`).toBe(2);
      sim.connected = () => true;
      expect(
        sim.runUntil(() => agreed(sim), 2000),
        `seed ${seed}`,
      ).toBeLessThan(1500);
    }
  });
});

describe("failover to the next grant", () => {
  test.each([0, 0.1])("leader killed, loss %d", (loss) => {
    const times: number[] = [];
    for (const seed of seeds(100)) {
      const sim = settled(seed, 3 + (seed % 20), loss);
      const [leader] = sim.leaders();
      if (!leader) throw new Error(`seed ${seed}: no leader`);
      sim.crash(leader.name);
      const home = names(2).find((name) => name !== leader.name) ?? "";
      const start = sim.now;
      let id = 0;
      while (!granted(sim, home) && sim.now - start < 6000) {
        sim.request(home, ++id, 1, [leader.name]);
        sim.run(50);
      }
      times.push(sim.now - start);
    }
    times.sort((a, b) => a - b);
    expect(times[50]).toBeLessThan(1600);
    expect(times[98]).toBeLessThan(2000);
  });

  test("leader turns busy: it hands over within 400 ms", () => {
    for (const seed of seeds(100)) {
      const sim = settled(seed, 3 + (seed % 10));
      const [leader] = sim.leaders();
      sim.load(leader?.name ?? "", true);
      expect(
        sim.runUntil(() => agreed(sim), 1000),
        `seed ${seed}`,
      ).toBeLessThan(400);
    }
  });
});

test("a busy host hears nothing that it did not ask for", () => {
  for (const seed of seeds(60)) {
    const sim = settled(seed, 6, 0.05);
    for (let round = 0; round < 40; round++) {
      for (const name of names(6)) {
        if (sim.random() < 0.2) sim.load(name, sim.random() < 0.5);
        if (sim.random() < 0.3) sim.request(name, round);
      }
      sim.run(200);
      for (const host of sim.hosts.values()) {
        const { role } = host.node;
        expect(host.groups, `seed ${seed}`).toEqual({
          free: role !== "busy",
          leader: role === "leader" || role === "candidate",
        });
        expect(host.heard.busy, `seed ${seed}`).toBe(0);
      }
    }
  }
});

test("slots are never promised twice while the cluster is steady, and all come back", () => {
  for (const seed of seeds(60)) {
    const count = 3 + (seed % 6);
    const sim = settled(seed, count, 0, 1 + (seed % 4));
    const total = 1 + (seed % 4);
    /** A host's jobs follow the leases that others hold on it. */
    const running = (name: string) =>
      [...sim.hosts.values()].reduce(
        (sum, home) => sum + [...home.held.values()].filter((on) => on === name).length,
        0,
      );
    for (let round = 0; round < 150; round++) {
      const home = `h${Math.floor(sim.random() * count)}`;
      if (sim.random() < 0.6) sim.request(home, round, 1 + Math.floor(sim.random() * 3));
      const mine = [...sim.host(home).held.keys()];
      if (sim.random() < 0.5 && mine.length > 0) sim.release(home, mine.slice(0, 2));
      sim.run(sim.random() * 200);
      for (const name of names(count)) {
        const guests = running(name);
        expect(guests, `seed ${seed}: jobs on ${name}`).toBeLessThanOrEqual(total);
        if (sim.random() < 0.7) sim.load(name, false, guests, guests);
      }
    }
    for (const name of names(count)) sim.release(name, [...sim.host(name).held.keys()]);
    for (const name of names(count)) sim.load(name, false);
    sim.run(6000);
    sim.queryHosts("h0");
    sim.run(100);
    const view = sim.host("h0").answers.findLast((answer) => answer.kind === "hosts");
    expect(
      view?.rows.map((row) => row.free),
      `seed ${seed}`,
    ).toEqual(names(count).map(() => total));
  }
});

test("every request is answered, whatever happens", () => {
  for (const seed of seeds(60)) {
    const sim = settled(seed, 5, 0.2);
    let asked = 0;
    for (let round = 0; round < 50; round++) {
      const name = `h${Math.floor(sim.random() * 5)}`;
      if (sim.random() < 0.1 && name !== "h0") sim.crash(name);
      if (sim.random() < 0.2 && !sim.host(name).alive) {
        sim.restart(name);
        sim.load(name, false);
      }
      sim.request("h0", ++asked);
      sim.run(100);
    }
    sim.run(300);
    const answers = sim.host("h0").answers.filter(({ kind }) => kind === "grant" || kind === "deny");
    expect(answers.length, `seed ${seed}`).toBe(asked);
  }
});
