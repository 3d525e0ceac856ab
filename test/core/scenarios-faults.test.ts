/** What happens when hosts fall deaf, sleep, start anew or have one name, as transcripts to read against docs/protocol.md. */
import { expect, test } from "vitest";
import { machineId } from "../sim/station.js";
import { World } from "../sim/world.js";

/** Reports, ADVERTs and the changes of groups that come with them. */
const routine = / AVAILABLE|ADVERT|groups/;

/** `a` leads, the others follow. */
function led(hosts: readonly string[] = ["a", "b", "c"], wire: "objects" | "bytes" = "objects"): World {
  const sim = new World({ seed: 7, hosts, wire });
  sim.load("a", false);
  sim.run(300);
  for (const name of hosts.slice(1)) sim.load(name, false);
  sim.run(3700);
  sim.transcript();
  return sim;
}

test("a host that falls deaf claims in vain: nobody follows it, and its requests run at home", () => {
  const sim = led();
  sim.connected = (_from, to) => to !== "c";
  sim.run(2500);
  sim.request("c", 1);
  sim.run(100);
  expect(sim.transcript(/ AVAILABLE|groups/)).toMatchInlineSnapshot(`
    "4.13 a: ADVERT epoch 1, 6 slots of 3 hosts -> free group
    4.53 a: ADVERT epoch 1, 6 slots of 3 hosts -> free group
    4.93 a: ADVERT epoch 1, 6 slots of 3 hosts -> free group
    5.05 c: CLAIM epoch 2 -> free group
    5.05 a: ADVERT epoch 1, 6 slots of 3 hosts -> c
    5.05 b: HOLD a leads -> c
    5.13 c: CLAIM epoch 2 -> free group
    5.13 a: ADVERT epoch 1, 6 slots of 3 hosts -> c
    5.13 b: HOLD a leads -> c
    5.21 c: CLAIM epoch 2 -> free group
    5.21 b: HOLD a leads -> c
    5.21 a: ADVERT epoch 1, 6 slots of 3 hosts -> c
    5.29 c: ADVERT epoch 2, 0 slots of 1 hosts -> free group
    5.29 b: HOLD a leads -> c
    5.29 a: ADVERT epoch 3, 6 slots of 3 hosts -> free group
    5.69 c: ADVERT epoch 2, 2 slots of 1 hosts -> free group
    5.69 a: ADVERT epoch 3, 6 slots of 3 hosts -> c
    5.69 b: HOLD a leads -> c
    5.69 a: ADVERT epoch 3, 6 slots of 3 hosts -> free group
    6.09 c: ADVERT epoch 2, 2 slots of 1 hosts -> free group
    6.09 b: HOLD a leads -> c
    6.09 a: ADVERT epoch 3, 6 slots of 3 hosts -> c
    6.09 a: ADVERT epoch 3, 6 slots of 3 hosts -> free group
    6.49 c: ADVERT epoch 2, 2 slots of 1 hosts -> free group
    6.49 b: HOLD a leads -> c
    6.49 a: ADVERT epoch 3, 6 slots of 3 hosts -> free group
    6.49 a: ADVERT epoch 3, 6 slots of 3 hosts -> c
    6.50 c: * client denied for 100 ms: no suitable host is free"
  `);
  expect(sim.host("b").node.leader).toBe("a");
});

test("without a leader a deaf candidate does not keep the others waiting", () => {
  const sim = led(["a", "b", "c", "d"]);
  sim.connected = (_from, to) => to !== "d";
  sim.crash("a");
  sim.run(6000);
  expect(sim.transcript(/ AVAILABLE|ADVERT/)).toMatchInlineSnapshot(`
    "5.00 b: CLAIM epoch 2 -> free group
    5.00 b: groups: free, leader
    5.00 c: VOTE epoch 2 -> b
    5.04 d: CLAIM epoch 2 -> free group
    5.04 d: groups: free, leader
    5.04 b: CLAIM epoch 2 -> d
    5.12 d: CLAIM epoch 2 -> free group
    5.12 c: HOLD b leads -> d
    5.20 d: CLAIM epoch 2 -> free group
    5.20 c: HOLD b leads -> d
    5.28 c: HOLD b leads -> d
    5.68 c: HOLD b leads -> d
    6.08 c: HOLD b leads -> d
    6.48 c: HOLD b leads -> d
    6.88 c: HOLD b leads -> d
    7.28 c: HOLD b leads -> d
    7.68 c: HOLD b leads -> d
    8.08 c: HOLD b leads -> d
    8.48 c: HOLD b leads -> d
    8.88 c: HOLD b leads -> d
    9.28 c: HOLD b leads -> d
    9.68 c: HOLD b leads -> d"
  `);
  expect(sim.host("c").node.leader).toBe("b");
});

test("a leader that falls deaf is not followed for long", () => {
  const sim = led();
  sim.connected = (_from, to) => to !== "a";
  sim.run(8000);
  expect(sim.transcript(/ AVAILABLE|ADVERT/)).toMatchInlineSnapshot(`
    "7.40 b: CLAIM epoch 2 -> free group
    7.40 b: groups: free, leader
    7.40 c: VOTE epoch 2 -> b
    8.13 c: HOLD b leads -> a
    8.53 c: HOLD b leads -> a
    8.93 c: HOLD b leads -> a
    9.33 c: HOLD b leads -> a
    9.73 c: HOLD b leads -> a
    10.13 c: HOLD b leads -> a
    10.53 c: HOLD b leads -> a
    10.93 c: HOLD b leads -> a
    11.33 c: HOLD b leads -> a
    11.73 c: HOLD b leads -> a"
  `);
  expect(sim.host("b").node.leader).toBe(sim.host("c").node.leader);
  expect(sim.host("b").node.leader).not.toBe("a");
});

test("a second host of one name is refused, says so, and comes in when the first has gone", () => {
  const sim = led(["a", "b", "c"], "bytes");
  sim.add("b", machineId("another b"), "b2");
  sim.load("b2", false);
  sim.run(10);
  sim.request("b2", 1);
  sim.run(10);
  expect(sim.host("b2").node.namesake).toBe("b");
  sim.stop("b");
  sim.run(10_500);
  expect(sim.transcript(/ADVERT|groups|c: /)).toMatchInlineSnapshot(`
    "4.00 b2: AVAILABLE 2 of 2, 0 guests -> leader group
    4.00 a: NAMESAKE b -> b2
    4.01 b2: * client denied for 9992 ms: another host is called b: b
    4.02 b: UNAVAILABLE -> leader group
    14.00 b2: AVAILABLE 2 of 2, 0 guests -> leader group
    14.01 b2: AVAILABLE 2 of 2, 0 guests -> leader group
    14.45 b2: AVAILABLE 2 of 2, 0 guests -> leader group"
  `);
  expect(sim.host("b2").node.namesake).toBe("");
  expect(sim.host("b2").node.leader).toBe("a");
});

test("two hosts of one name that both lead: the one that loses takes no part", () => {
  const sim = new World({ seed: 7, hosts: ["a"] });
  sim.add("a", machineId("another a"), "a2");
  sim.connected = () => false;
  for (const name of ["a", "a2"]) sim.load(name, false);
  sim.run(400);
  sim.transcript();
  sim.connected = () => true;
  sim.run(500);
  expect(sim.transcript()).toMatchInlineSnapshot(`
    "0.53 a: ADVERT epoch 1, 2 slots of 1 hosts -> free group
    0.53 a2: groups: none"
  `);
  expect([sim.host("a").node.namesake, sim.host("a2").node.namesake].sort()).toEqual(["", "a"]);
});

test("a leader that slept listens before it leads, and follows whom the others elected", () => {
  const sim = led();
  sim.request("a", 1, 1);
  sim.run(100);
  sim.pause("a");
  sim.run(300_000);
  sim.transcript();
  sim.resume("a");
  sim.run(300);
  expect(sim.transcript()).toMatchInlineSnapshot(`
    "304.10 a: groups: free
    304.10 a: VOTE epoch 2 -> b
    304.10 a: AVAILABLE 2 of 2, 0 guests -> leader group
    304.10 a: * client lost 1
    304.28 b: ADVERT epoch 2, 6 slots of 3 hosts -> free group
    304.30 c: AVAILABLE 2 of 2, 0 guests -> leader group"
  `);
  expect(sim.leaders().length).toBe(1);
});

test("a leader that slept alone leads again as soon as it has listened", () => {
  const sim = led(["a"]);
  sim.pause("a");
  sim.run(3_600_000);
  sim.transcript();
  sim.resume("a");
  sim.run(600);
  expect(sim.transcript()).toMatchInlineSnapshot(`
    "3604.00 a: groups: free
    3604.00 a: AVAILABLE 2 of 2, 0 guests -> leader group
    3604.16 a: CLAIM epoch 2 -> free group
    3604.16 a: groups: free, leader
    3604.24 a: ADVERT epoch 2, 0 slots of 1 hosts -> free group"
  `);
});

test("a host that starts anew gives back at once what it held before", () => {
  const sim = led();
  sim.request("c", 1, 4);
  sim.run(50);
  sim.crash("c");
  sim.run(100);
  sim.restart("c");
  sim.request("c", 1, 4);
  sim.run(10);
  expect(sim.transcript(routine)).toMatchInlineSnapshot(`
    "4.00 c: REQUEST 4 -> leader group
    4.00 a: GRANT a, b, a, b -> c
    4.00 c: * client may use a, b, a, b
    4.15 c: REQUEST 4 -> leader group
    4.15 a: GRANT a, b, a, b -> c
    4.15 c: * client may use a, b, a, b"
  `);
});

test("a host that goes on after leases have ended tells its client, and asks for nothing twice", () => {
  const sim = led();
  sim.load("c", true);
  sim.request("c", 1, 2);
  sim.run(100);
  sim.pause("c");
  sim.run(60_000);
  sim.transcript();
  sim.resume("c");
  sim.run(2000);
  expect(sim.transcript(routine)).toMatchInlineSnapshot(`"64.10 c: * client lost 2"`);
});

test("a host that stops says goodbye, denies what is under way and takes its leases back", () => {
  const sim = led();
  sim.request("c", 1, 2);
  sim.run(10);
  sim.request("c", 2, 1);
  sim.stop("c");
  sim.run(10);
  expect(sim.transcript(routine)).toMatchInlineSnapshot(`
    "4.00 c: REQUEST 2 -> leader group
    4.00 a: GRANT a, b -> c
    4.00 c: * client may use a, b
    4.01 c: REQUEST 1 -> leader group
    4.01 c: RELEASE 2 -> leader group
    4.01 c: * client denied for 100 ms: pantsd is stopping
    4.01 c: * client lost 2
    4.01 c: UNAVAILABLE -> leader group
    4.01 a: GRANT a -> c"
  `);
});
