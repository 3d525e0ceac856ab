/**
 * Transcripts to be read against the protocol: what each host says, and what its clients see (lines with a star).
 * Times are seconds; three hosts of two slots unless said otherwise.
 */
import { expect, test } from "vitest";
import { World } from "../sim/world.js";

const refresh = / AVAILABLE|ADVERT|groups/;

/** Three hosts: `a` leads, `b` and `c` are free. */
function led(slots = 2): World {
  const sim = new World({ seed: 7, hosts: ["a", "b", "c"], slots });
  sim.load("a", false);
  sim.run(300);
  for (const name of ["b", "c"]) sim.load(name, false);
  sim.run(3700);
  sim.transcript();
  return sim;
}

test("the first free host leads, the second follows it", () => {
  const sim = new World({ seed: 7, hosts: ["a", "b"] });
  sim.load("a", false);
  sim.run(250);
  sim.load("b", false);
  sim.run(300);
  expect(sim.transcript()).toMatchInlineSnapshot(`
    "0.00 a: AVAILABLE 2 of 2, 0 guests -> leader group
    0.00 a: groups: free
    0.05 a: CLAIM epoch 1 -> free group
    0.05 a: groups: free, leader
    0.13 a: ADVERT epoch 1, 0 slots of 1 hosts -> free group
    0.25 b: AVAILABLE 2 of 2, 0 guests -> leader group
    0.25 b: groups: free
    0.25 a: ADVERT epoch 1, 4 slots of 2 hosts -> b
    0.25 b: AVAILABLE 2 of 2, 0 guests -> leader group
    0.53 a: ADVERT epoch 1, 4 slots of 2 hosts -> free group"
  `);
});

test("a busy host asks, is granted two hosts, renews, and gives one back", () => {
  const sim = led();
  sim.load("c", true);
  sim.request("c", 1, 3);
  sim.run(1600);
  sim.release("c", [...sim.host("c").held.keys()].slice(0, 1));
  sim.run(10);
  expect(sim.transcript(/ADVERT| AVAILABLE/)).toMatchInlineSnapshot(`
    "4.00 c: UNAVAILABLE -> leader group
    4.00 c: groups: none
    4.00 c: REQUEST 3 -> leader group
    4.00 a: GRANT a, b, a -> c
    4.00 c: * client may use a, b, a
    5.50 c: RENEW a, b, a -> leader group
    5.50 a: LEASES 3 valid, 0 lost -> c
    5.60 c: RELEASE 1 -> leader group"
  `);
});

test("a leader that turns busy hands over", () => {
  const sim = led();
  sim.load("a", true);
  sim.run(350);
  expect(sim.transcript()).toMatchInlineSnapshot(`
    "4.00 a: RESIGN epoch 1 -> free group
    4.00 a: groups: none
    4.07 b: CLAIM epoch 2, 1 resigned -> free group
    4.07 b: groups: free, leader
    4.07 c: VOTE epoch 2 -> b
    4.15 b: ADVERT epoch 2, 0 slots of 1 hosts -> free group
    4.15 c: AVAILABLE 2 of 2, 0 guests -> leader group"
  `);
});

test("a leader that dies is followed by another, which takes its leases over", () => {
  const sim = led();
  sim.request("c", 1, 1, ["a"]);
  sim.run(100);
  sim.load("b", false, 1, 1);
  sim.run(700);
  sim.crash("a");
  sim.run(2500);
  expect(sim.transcript(refresh)).toMatchInlineSnapshot(`
    "4.00 c: REQUEST 1 not a -> leader group
    4.00 a: GRANT b -> c
    4.00 c: * client may use b
    5.50 c: RENEW b -> leader group
    5.80 b: CLAIM epoch 2 -> free group
    5.80 c: VOTE epoch 2 -> b
    7.00 c: RENEW b -> leader group
    7.00 b: LEASES 1 valid, 0 lost -> c"
  `);
});

test("two leaders meet: the lower epoch steps down at the first ADVERT", () => {
  const sim = led();
  sim.connected = (from, to) => (from === "a") === (to === "a");
  sim.run(1700);
  sim.transcript();
  sim.connected = () => true;
  sim.run(450);
  expect(sim.transcript(/ AVAILABLE/)).toMatchInlineSnapshot(`
    "5.73 a: ADVERT epoch 1, 6 slots of 3 hosts -> free group
    5.73 b: ADVERT epoch 2, 4 slots of 2 hosts -> free group
    5.73 c: HOLD b leads -> a
    5.73 a: groups: free
    6.13 b: ADVERT epoch 2, 6 slots of 3 hosts -> free group"
  `);
});

test("a host that does not hear the leader is told that it lives", () => {
  const sim = led();
  sim.connected = (from, to) => !(from === "a" && to === "c");
  sim.run(1600);
  expect(sim.transcript(refresh)).toMatchInlineSnapshot(`
    "5.05 c: CLAIM epoch 2 -> free group
    5.05 b: HOLD a leads -> c"
  `);
});

test("every host is full: the answer says when to ask again, and is remembered meanwhile", () => {
  const sim = led(1);
  sim.request("c", 1, 2);
  sim.run(20);
  sim.request("c", 2);
  sim.run(20);
  sim.request("c", 3);
  sim.run(100);
  sim.request("c", 4);
  sim.run(20);
  expect(sim.transcript(refresh)).toMatchInlineSnapshot(`
    "4.00 c: REQUEST 2 -> leader group
    4.00 a: GRANT a, b -> c
    4.00 c: * client may use a, b
    4.02 c: REQUEST 1 -> leader group
    4.02 a: DENY for 100 ms: every suitable host is full -> c
    4.02 c: * client denied for 100 ms: every suitable host is full
    4.04 c: * client denied for 82 ms: every suitable host is full
    4.14 c: REQUEST 1 -> leader group
    4.14 a: DENY for 112 ms: every suitable host is full -> c
    4.14 c: * client denied for 112 ms: every suitable host is full"
  `);
});

test("nobody leads: asked twice, denied, and denied at once for a while", () => {
  const sim = new World({ seed: 7, hosts: ["a", "b"] });
  sim.request("a", 1);
  sim.run(100);
  sim.request("a", 2);
  sim.run(250);
  sim.request("a", 3);
  sim.run(100);
  expect(sim.transcript()).toMatchInlineSnapshot(`
    "0.00 a: REQUEST 1 -> leader group
    0.02 a: REQUEST 1 -> leader group
    0.04 a: REQUEST 1 -> leader group
    0.06 a: * client denied for 250 ms: no leader answers
    0.10 a: * client denied for 210 ms: no leader answers
    0.35 a: REQUEST 1 -> leader group
    0.37 a: REQUEST 1 -> leader group
    0.39 a: REQUEST 1 -> leader group
    0.41 a: * client denied for 250 ms: no leader answers"
  `);
});

test("a host that turns busy takes its leases with it; its client is told", () => {
  const sim = led();
  sim.request("c", 1, 1, ["a"]);
  sim.run(200);
  sim.load("b", true);
  sim.run(1500);
  expect(sim.transcript(refresh)).toMatchInlineSnapshot(`
    "4.00 c: REQUEST 1 not a -> leader group
    4.00 a: GRANT b -> c
    4.00 c: * client may use b
    4.20 b: UNAVAILABLE -> leader group
    5.50 c: RENEW b -> leader group
    5.50 a: LEASES 0 valid, 1 lost -> c
    5.50 c: * client lost 1"
  `);
});

test("a host that fails a client's jobs three times is left out of its requests", () => {
  const sim = led();
  for (let failure = 0; failure < 3; failure++) sim.outcome("c", "b", false, "no such directory");
  for (let failure = 0; failure < 3; failure++) sim.outcome("c", "a", false, "every slot there is taken");
  sim.request("c", 1, 4);
  sim.run(20);
  sim.queryHosts("c");
  sim.run(20);
  expect(sim.transcript(refresh)).toMatchInlineSnapshot(`
    "4.00 c: REQUEST 4 not b -> leader group
    4.00 a: GRANT a, a -> c
    4.00 c: * client may use a, a
    4.02 c: QUERY -> leader group
    4.02 a: ROWS a, c, b of 3 -> c
    4.02 c: * client sees a 0/2, c 2/2, b 2/2"
  `);
  const view = sim.host("c").answers.findLast((answer) => answer.kind === "hosts");
  expect(view?.rows.find((row) => row.host === "b")?.leftOut).toBe("no such directory");
});

test("the host table says where each host is: the leader's own row as others reach it", () => {
  const sim = led();
  const addresses = (asker: string) => {
    sim.queryHosts(asker);
    sim.run(20);
    const view = sim.host(asker).answers.findLast((answer) => answer.kind === "hosts");
    return Object.fromEntries(view?.rows.map(({ host, address }) => [host, address]) ?? []);
  };
  expect(addresses("c")).toEqual({ a: "a", b: "b", c: "c" });
  // Empty is the asker itself; only its daemon knows the address.
  expect(addresses("a")).toEqual({ a: "", b: "b", c: "c" });
});

test("of several that start at once the lowest ballot leads, voted for by the others", () => {
  const sim = new World({ seed: 7, hosts: ["a", "b", "c", "d"] });
  for (const name of ["a", "b", "c", "d"]) sim.load(name, false);
  sim.run(200);
  expect(sim.transcript(/ AVAILABLE/)).toMatchInlineSnapshot(`
    "0.00 a: groups: free
    0.00 b: groups: free
    0.00 c: groups: free
    0.00 d: groups: free
    0.05 a: CLAIM epoch 1 -> free group
    0.05 a: groups: free, leader
    0.05 c: VOTE epoch 1 -> a
    0.05 b: VOTE epoch 1 -> a
    0.05 d: VOTE epoch 1 -> a
    0.13 a: ADVERT epoch 1, 0 slots of 1 hosts -> free group"
  `);
});

test("the last free host turns busy: requests fail fast, at home", () => {
  const sim = new World({ seed: 7, hosts: ["a", "b"] });
  sim.load("a", false);
  sim.run(1000);
  sim.transcript();
  sim.load("a", true);
  sim.request("b", 1);
  sim.run(100);
  sim.request("b", 2);
  sim.run(10);
  expect(sim.transcript()).toMatchInlineSnapshot(`
    "1.00 a: RESIGN epoch 1 -> free group
    1.00 a: groups: none
    1.00 b: REQUEST 1 -> leader group
    1.02 b: REQUEST 1 -> leader group
    1.04 b: REQUEST 1 -> leader group
    1.06 b: * client denied for 250 ms: no leader answers
    1.10 b: * client denied for 210 ms: no leader answers"
  `);
  expect(sim.host("a").heard.busy + sim.host("b").heard.busy).toBe(0);
});

test("a busy host hears no ADVERT, no CLAIM and no report, only answers", () => {
  const sim = led();
  sim.load("c", true);
  sim.run(100);
  sim.host("c").received = 0;
  sim.transcript();
  sim.run(3000);
  sim.crash("a");
  sim.run(2000);
  expect(sim.host("c").received).toBe(0);
  sim.request("c", 1);
  sim.run(10);
  expect(sim.host("c").received).toBe(1);
  expect(sim.transcript(refresh)).toMatchInlineSnapshot(`
    "8.20 b: CLAIM epoch 2 -> free group
    8.28 b: CLAIM epoch 2 -> free group
    8.36 b: CLAIM epoch 2 -> free group
    9.10 c: REQUEST 1 -> leader group
    9.10 b: GRANT b -> c
    9.10 c: * client may use b"
  `);
});
