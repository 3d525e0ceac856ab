/** No timer uses wall time: wall clocks that jump, as far as datagrams stay acceptable, change nothing at all. */
import { expect, test } from "vitest";
import { randomFrom } from "./random.js";
import { World } from "./world.js";

const names = ["a", "b", "c", "d", "e"];

/** What a cluster says and does in 40 s in which hosts fail and ask; wall clocks jump by up to so much. */
function story(seed: number, jumpMs: number, prepare?: (world: World) => void): string {
  const world = new World({ seed, hosts: names, wire: "bytes", loss: 0.05 });
  prepare?.(world);
  const jumps = randomFrom(seed + 1);
  for (const name of names) world.load(name, false);
  for (let second = 0; second < 40; second++) {
    for (const name of names) world.host(name).wallOffset = (jumps() - 0.5) * jumpMs;
    const name = names[second % names.length] ?? "a";
    if (second % 7 === 3) world.load(name, true);
    if (second % 7 === 5) for (const other of names) world.load(other, false);
    if (second === 20) world.crash(world.leaders()[0]?.address ?? "a");
    world.request(name, second, 2);
    world.run(1000);
    world.release(name, [...world.host(name).held.keys()].slice(0, 1));
  }
  return world.transcript();
}

test("wall clocks that jump change nothing", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const still = story(seed, 0);
    expect(still).toContain("GRANT");
    // Within its first 30 s a host refuses what is dated 2 s before its start.
    expect(story(seed, 1900), `seed ${seed}`).toBe(still);
  }
});

test("a timer that did use it would be found", () => {
  const wrong = (world: World): void => {
    for (const host of world.hosts.values()) {
      const { station } = host;
      const step = station.step.bind(station);
      station.step = (event, now, wall) => step(event, now + Math.abs(host.wallOffset), wall);
    }
  };
  expect(story(1, 1900, wrong)).not.toBe(story(1, 0));
});
