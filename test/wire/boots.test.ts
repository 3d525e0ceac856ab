/** What a host said before its restart is out of date, also to one that never heard it. */
import { expect, test } from "vitest";
import { Boots } from "../../src/wire/boots.js";
import { Codec } from "../../src/wire/datagram.js";
import { Keyring } from "../../src/wire/keyring.js";

const wall = 1_800_000_000_000;
const machine = "0123456789abcdef";
const boots = ["1111111111111111", "2222222222222222", "3333333333333333"] as const;
const codec = (id: string, boot: string) =>
  new Codec("test", { host: "a", id, boot }, new Keyring([Buffer.alloc(32, 1)]));

test("captured words of an earlier start are refused once the later one was heard", () => {
  const receiver = codec("fedcba9876543210", boots[2]);
  // So that what comes later is not refused for being older than the receiver itself.
  const other = codec("8899aabbccddeeff", boots[0]).seal({ type: "unavailable" }, wall);
  expect(receiver.open(other, wall, 0, "b")).toHaveProperty("boot");
  const captured = codec(machine, boots[0]).seal({ type: "unavailable" }, wall);
  const later = codec(machine, boots[1]);
  expect(
    receiver.open(later.seal({ type: "unavailable" }, wall + 5000), wall + 5000, 5000, "a"),
  ).toHaveProperty("boot");
  expect(receiver.open(captured, wall + 6000, 6000, "a")).toBe("replay");
  expect(
    receiver.open(later.seal({ type: "unavailable" }, wall + 7000), wall + 7000, 7000, "a"),
  ).toHaveProperty("boot");
});

test("a start whose clock was set back is heard once that has caught up", () => {
  const latest = new Boots();
  expect(latest.current(machine + boots[0], 1000, 5000)).toBe(true);
  expect(latest.current(machine + boots[1], 900, 5000)).toBe(false);
  expect(latest.current(machine + boots[0], 950, 5000)).toBe(true);
  expect(latest.current(machine + boots[1], 1001, 5000)).toBe(true);
  expect(latest.current(machine + boots[0], 1000, 5000)).toBe(false);
});

test("so many machines are remembered at most", () => {
  const latest = new Boots(2);
  for (const id of ["aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb", "cccccccccccccccc"])
    latest.current(id + boots[1], 10, 5000);
  expect(latest.current(`aaaaaaaaaaaaaaaa${boots[0]}`, 5, 5000)).toBe(true);
  expect(latest.current(`cccccccccccccccc${boots[0]}`, 5, 5000)).toBe(false);
});

test("a start dated ahead of all that is accepted now does not stand in the way of the next", () => {
  const latest = new Boots();
  expect(latest.current(machine + boots[0], 200_000, 230_000)).toBe(true);
  expect(latest.current(machine + boots[1], 40_000, 210_000)).toBe(false);
  expect(latest.current(machine + boots[1], 40_000, 70_000)).toBe(true);
});
