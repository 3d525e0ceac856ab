/** Datagrams: round trips, every rejection by its name, and bytes changed at random that must never throw. */
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Message } from "../../src/core/messages.js";
import { perMessageMax, preferMax, rowsPerMessage } from "../../src/core/tuning.js";
import { readBody, typeNumbers } from "../../src/wire/body.js";
import { BoundsError, datagramMax, Reader } from "../../src/wire/bytes.js";
import { Codec, type Opened } from "../../src/wire/datagram.js";
import { timeWindowMs } from "../../src/wire/dates.js";
import { Keyring } from "../../src/wire/keyring.js";
import { ReplayGuard } from "../../src/wire/replay.js";

const secret = Buffer.alloc(32, 7);
const other = Buffer.alloc(32, 8);
const wall = 1_800_000_000_000;

function codec(host = "a", options: { cluster?: string; keys?: Buffer[]; boot?: string } = {}): Codec {
  const { cluster = "pants", keys = [secret], boot = "0000000000000001" } = options;
  return new Codec(cluster, { host, id: "00000000000000aa", boot }, new Keyring(keys));
}

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u48 = fc.integer({ min: 0, max: 0xffff_ffff_ffff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const percent = fc.integer({ min: 0, max: 100 });
const name = fc.stringMatching(/^[A-Za-z0-9._][A-Za-z0-9._-]{0,62}$/);
const id = fc.stringMatching(/^[0-9a-f]{16}$/);
const text = fc.string({ maxLength: 30, unit: "grapheme-ascii" });
const list = <T>(item: fc.Arbitrary<T>, max = perMessageMax) => fc.array(item, { maxLength: max });
const refs = list(fc.record({ id, host: name }));
const row = fc.record({
  host: name,
  address: fc.ipV4(),
  free: u16,
  total: u16,
  cpuPercent: percent,
  compat: name,
  ageMs: u32,
});
const of = <T extends Message["type"]>(type: T) => fc.constant(type);

const messages: fc.Arbitrary<Message> = fc.oneof(
  fc.record({
    type: of("advert"),
    epoch: u48,
    ballot: u32,
    votes: percent,
    hosts: u32,
    free: u32,
    refreshMs: u32,
    spreadMs: u32,
  }),
  fc
    .record({
      type: of("available"),
      epoch: u48,
      free: u16,
      total: u16,
      guests: u16,
      cpuPercent: percent,
      availableMb: u32,
      ioPercent: percent,
      compat: name,
    })
    .filter(({ free, total, guests }) => free + guests <= total),
  fc.record({ type: of("unavailable") }),
  fc
    .record({
      type: of("request"),
      request: u32,
      count: fc.integer({ min: 1, max: perMessageMax }),
      compat: name,
      exclude: list(name),
      wanted: fc.record({ io: fc.boolean(), memoryMb: u32, prefer: list(name, preferMax) }),
    })
    .filter(({ exclude, wanted }) => exclude.length + wanted.prefer.length <= perMessageMax),
  fc.record({ type: of("grant"), request: u32, lifeMs: u32, leases: refs }),
  fc.record({ type: of("deny"), request: u32, retryMs: u32, why: text }),
  fc.record({ type: of("claim"), epoch: u48, ballot: u32, resigned: u48 }),
  fc.record({ type: of("hold"), epoch: u48, leader: fc.oneof(name, fc.constant("")), id }),
  fc.record({ type: of("resign"), epoch: u48 }),
  fc.record({ type: of("vote"), epoch: u48 }),
  fc.record({ type: of("namesake"), host: name, id, address: fc.oneof(fc.ipV4(), fc.constant("")) }),
  fc.record({ type: of("renew"), leases: refs }),
  fc.record({ type: of("leases"), valid: list(id), lost: list(id) }),
  fc.record({ type: of("release"), leases: list(id) }),
  fc.record({ type: of("query"), query: u32 }),
  fc.record({ type: of("rows"), query: u32, total: u16, rows: list(row, rowsPerMessage) }),
);

describe("a datagram", () => {
  const sender = codec("sender");
  const receiver = codec("receiver");

  test("carries every message, and fits", () => {
    fc.assert(
      fc.property(messages, (message) => {
        const data = sender.seal(message, wall);
        expect(data.length).toBeLessThanOrEqual(datagramMax);
        const opened = receiver.open(data, wall, 0, "x:1") as Opened;
        expect(opened.message).toEqual(message);
        expect(opened.host).toBe("sender");
      }),
      { numRuns: 2000 },
    );
  });

  test("is dropped for its first fault, by name", () => {
    const data = () => codec("sender").seal({ type: "query", query: 1 }, wall);
    const changed = (at: number) => {
      const copy = Buffer.from(data());
      copy[at] = (copy[at] ?? 0) ^ 1;
      return copy;
    };
    const receive = (bytes: Buffer, at = wall) => codec("receiver").open(bytes, at, 0, "x:1");
    expect(receive(data().subarray(0, 40))).toBe("length");
    expect(receive(Buffer.alloc(datagramMax + 1))).toBe("length");
    expect(receive(changed(0))).toBe("magic");
    expect(receive(changed(4))).toBe("version");
    expect(receive(changed(8))).toBe("cluster");
    expect(receive(changed(16))).toBe("key");
    expect(receive(data(), wall + timeWindowMs + 1)).toBe("time");
    expect(receive(changed(50))).toBe("mac");
    expect(codec("receiver", { cluster: "other" }).open(data(), wall, 0, "x:1")).toBe("cluster");
    expect(codec("receiver", { keys: [other] }).open(data(), wall, 0, "x:1")).toBe("key");
    const two = codec("receiver");
    expect(two.open(data(), wall, 0, "x:1")).toMatchObject({ host: "sender" });
    expect(two.open(data(), wall, 0, "x:1")).toBe("replay");
  });

  test("with a well signed but senseless body is out of bounds", () => {
    const data = codec("no name!").seal({ type: "query", query: 1 }, wall);
    expect(codec("receiver").open(data, wall, 0, "x:1")).toBe("bounds");
    const senseless = {
      type: "available",
      epoch: 1,
      free: 3,
      total: 2,
      guests: 0,
      cpuPercent: 0,
      availableMb: 0,
      ioPercent: 0,
      compat: "x",
    } as const;
    expect(codec("receiver").open(codec("sender").seal(senseless, wall), wall, 0, "x:1")).toBe("bounds");
  });

  test("signed with either of two keys is accepted", () => {
    const rotating = codec("receiver", { keys: [other, secret] });
    expect(rotating.open(codec("sender").seal({ type: "unavailable" }, wall), wall, 0, "x:1")).toMatchObject({
      host: "sender",
    });
  });
});

test("100,000 damaged datagrams neither throw nor pass", () => {
  const sender = codec("sender");
  const receiver = codec("receiver");
  const samples = fc.sample(messages, { numRuns: 200, seed: 1 }).map((message) => sender.seal(message, wall));
  const noise = randomBytes(400_000);
  let passed = 0;
  for (let run = 0; run < 100_000; run++) {
    const sample = samples[run % samples.length] ?? Buffer.alloc(0);
    const damaged = Buffer.from(sample);
    const [a = 0, b = 0, c = 1, d = 0] = noise.subarray(run * 4, run * 4 + 4);
    damaged[((a << 8) | b) % damaged.length] = c;
    const cut = d < 64 ? damaged.subarray(0, ((a << 8) | d) % damaged.length) : damaged;
    if (cut.equals(sample)) continue;
    if (typeof receiver.open(cut, wall, 0, "x:1") !== "string") passed += 1;
  }
  expect(passed).toBe(0);
});

test("100,000 senseless bodies from someone with the key are out of bounds, or read", () => {
  const types = Object.keys(typeNumbers) as Message["type"][];
  const noise = randomBytes(300_000);
  for (let run = 0; run < 100_000; run++) {
    const body = noise.subarray(run * 2, run * 2 + (run % 97));
    // Small numbers make lists and texts that nearly fit.
    if (run % 2 === 0) for (let at = 0; at < body.length; at++) body[at] = (body[at] ?? 0) % 8;
    try {
      readBody(types[run % types.length] ?? "advert", new Reader(body, 0, body.length));
    } catch (error) {
      expect(error).toBeInstanceOf(BoundsError);
    }
  }
});

test("a replay guard agrees with one that remembers everything", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 3000 }), { maxLength: 400 }), (numbers) => {
      const guard = new ReplayGuard();
      const seen = new Set<number>();
      let newest = 0;
      for (const number of numbers) {
        const fresh = !seen.has(number) && (newest === 0 || newest - number < 1024);
        expect(guard.accept("x", number, 1, 0)).toBe(fresh);
        seen.add(number);
        newest = Math.max(newest, number);
      }
    }),
  );
});

test("a replay guard forgets the sender that was silent for longest", () => {
  const guard = new ReplayGuard(2);
  for (const [at, sender] of ["a", "b", "a", "c"].entries()) guard.accept(sender, at, 1, at * 1000);
  expect(guard.senders).toBe(2);
  expect(guard.accept("b", 1, 1, 5000)).toBe(true);
});
