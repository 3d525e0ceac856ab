/** What a codec does about restarts, clocks, other versions and changes of keys. */
import { createHmac, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Codec, type Opened, protocolVersion } from "../../src/wire/datagram.js";
import type { Datagram } from "../../src/wire/envelope.js";
import { Hmac } from "../../src/wire/hmac.js";
import { Keyring } from "../../src/wire/keyring.js";
import { noticeMs, noticesMax } from "../../src/wire/notices.js";

const [secret, next, foreign] = [Buffer.alloc(32, 7), Buffer.alloc(32, 8), Buffer.alloc(32, 9)];
const wall = 1_800_000_000_000;
const resign: Datagram = { type: "resign", epoch: 3 };

interface Sort {
  readonly cluster?: string;
  readonly keys?: readonly Buffer[];
  readonly boot?: string;
  readonly version?: number;
}

function codec(
  host: string,
  { cluster = "pants", keys = [secret], boot = "01", version = protocolVersion }: Sort = {},
): Codec {
  const identity = { host, id: Buffer.from(host.padEnd(8)).toString("hex"), boot: boot.padStart(16, "0") };
  return new Codec(cluster, identity, new Keyring(keys), { version });
}

/** A receiver at monotonic ms 0 and wall clock `wall`, both moved by hand. */
class Receiver {
  nowMs = 0;
  wallMs = wall;
  readonly codec: Codec;

  constructor(sort?: Sort) {
    this.codec = codec("receiver", sort);
    this.hear(codec("first").seal(resign, wall)); // it has started
  }

  pass(ms: number): void {
    this.nowMs += ms;
    this.wallMs += ms;
  }

  hear(data: Buffer, from = "10.0.0.9:7717"): string {
    const opened = this.codec.open(data, this.wallMs, this.nowMs, from);
    return typeof opened === "string" ? opened : opened.message.type;
  }

  notices(): string[] {
    return this.codec.notices(this.nowMs);
  }
}

test("the MAC is HMAC-SHA-256, for secrets and texts of any length", () => {
  const bytes = (maxLength: number) => fc.uint8Array({ minLength: 32, maxLength });
  fc.assert(
    fc.property(bytes(150), fc.uint8Array({ maxLength: 1200 }), (key, text) => {
      const expected = createHmac("sha256", key).update(text).digest().subarray(0, 16).toString("latin1");
      expect(new Hmac(Buffer.from(key)).of(text, text.length)).toBe(expected);
    }),
  );
});

describe("after a start of the receiver", () => {
  test("what was captured before it is refused, also while the receiver's clock is set", () => {
    const captured = [3000, 10_000, 29_000].map((age) => codec(`old${age}`).seal(resign, wall - age));
    const receiver = new Receiver();
    for (const data of captured) expect(receiver.hear(data)).toBe("time");
    receiver.pass(500);
    for (const jump of [0, 20_000, -20_000]) {
      receiver.wallMs += jump;
      // Every clock shows the jump: what is captured is dated by it too.
      const earlier = codec(`by${jump}`).seal(resign, receiver.wallMs - 5000);
      expect(receiver.hear(earlier)).toBe("time");
      expect(receiver.hear(codec(`now${jump}`).seal(resign, receiver.wallMs - 1500))).toBe("resign");
    }
  });

  test("clocks that differ by less than the window are heard after as long as they differ", () => {
    const receiver = new Receiver();
    const late = codec("late");
    expect(receiver.hear(late.seal(resign, receiver.wallMs - 10_000))).toBe("time");
    receiver.pass(8000);
    expect(receiver.hear(late.seal(resign, receiver.wallMs - 10_000))).toBe("resign");
    receiver.pass(22_000);
    expect(receiver.hear(late.seal(resign, receiver.wallMs - 29_999))).toBe("resign");
    expect(receiver.hear(late.seal(resign, receiver.wallMs - 30_001))).toBe("time");
  });
});

describe("a host that comes back with the boot id it had", () => {
  test("as a new process is heard at once", () => {
    const receiver = new Receiver();
    const before = codec("host");
    for (let i = 0; i < 5000; i++) receiver.hear(before.seal(resign, receiver.wallMs));
    receiver.pass(200);
    expect(receiver.hear(codec("host").seal(resign, receiver.wallMs))).toBe("resign");
  });

  test("as a snapshot that goes on where it was is heard once its clock is right", () => {
    const receiver = new Receiver();
    const snapshot = codec("host");
    receiver.hear(snapshot.seal(resign, receiver.wallMs));
    const goesOn = codec("host");
    for (let i = 0; i < 5000; i++) receiver.hear(goesOn.seal(resign, receiver.wallMs + i));
    receiver.pass(60_000);
    expect(receiver.hear(snapshot.seal(resign, receiver.wallMs - 59_000))).toBe("time");
    expect(receiver.hear(snapshot.seal(resign, receiver.wallMs))).toBe("resign");
  });

  test("numbers never fall, whatever its clock does", () => {
    const jump = fc.integer({ min: -262_000, max: 262_000 });
    fc.assert(
      fc.property(fc.array(jump, { maxLength: 50 }), (jumps) => {
        const host = codec("host");
        let at = wall;
        let last = 0;
        for (const by of jumps) {
          const number = host.seal(resign, (at += by)).readUIntLE(20, 6);
          expect(number).toBeGreaterThan(last);
          last = number;
        }
      }),
    );
  });
});

describe("another version of the protocol", () => {
  test("is refused, and told apart from strangers", () => {
    const receiver = new Receiver();
    expect(
      receiver.hear(codec("n4", { version: protocolVersion + 1 }).seal(resign, wall), "10.0.0.4:7717"),
    ).toBe("version");
    expect(
      receiver.hear(codec("n5", { version: protocolVersion + 1, cluster: "other" }).seal(resign, wall)),
    ).toBe("cluster");
    expect(receiver.notices()).toEqual([
      "10.0.0.4:7717 speaks version 3 of the protocol, this host version 2: install a newer PANTS on this host",
    ]);
    receiver.pass(noticeMs + 1);
    expect(receiver.notices()).toEqual([]);
  });

  test("from ever new addresses fills no memory", () => {
    const receiver = new Receiver();
    for (let i = 0; i < 1000; i++)
      receiver.hear(codec("n4", { version: 0 }).seal(resign, wall), `10.0.0.4:${i}`);
    const notices = receiver.notices();
    expect(notices).toHaveLength(noticesMax);
    expect(notices.at(-1)).toContain("10.0.0.4:999 speaks version 0");
    expect(notices.at(-1)).toContain("on that one");
  });
});

describe("a clock that is off", () => {
  test.each([
    [140_000, "140 s ahead of"],
    [-140_000, "140 s behind"],
    [-7_200_000, "2 h behind"],
    [400 * 86_400_000, "400 d ahead of"],
  ])("by %i ms is named", (off, words) => {
    const receiver = new Receiver();
    expect(receiver.hear(codec("n4").seal(resign, wall + off))).toBe("time");
    expect(receiver.notices()).toEqual([`the clock of n4 is ${words} this host's`]);
    receiver.pass(noticeMs + 1);
    expect(receiver.notices()).toEqual([]);
  });

  test("is believed of holders of the key only, and looked at once a second", () => {
    const receiver = new Receiver();
    const forged = codec("n4").seal(resign, wall - 50_000);
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
    expect(receiver.hear(forged)).toBe("time");
    expect(receiver.hear(codec("n5").seal(resign, wall - 50_000))).toBe("time");
    expect(receiver.notices()).toEqual([]);
    receiver.pass(1000);
    receiver.hear(codec("n5").seal(resign, wall - 50_000));
    expect(receiver.notices()).toHaveLength(1);
  });
});

describe("keys replaced", () => {
  test("step by step lose nothing and let nothing in twice", () => {
    const receiver = new Receiver();
    const sender = codec("sender");
    const first = sender.seal(resign, wall);
    expect(receiver.hear(first)).toBe("resign");
    for (const keys of [[secret, next], [next, secret], [next]]) {
      receiver.codec.useKeys(new Keyring(keys));
      if (keys[0] === next) sender.useKeys(new Keyring(keys));
      expect(receiver.hear(first)).toBe(keys.includes(secret) ? "replay" : "key");
      expect(receiver.hear(sender.seal(resign, wall))).toBe("resign");
    }
    expect(receiver.hear(codec("stranger", { keys: [foreign] }).seal(resign, wall))).toBe("key");
  });

  test("change the ballots at once, and those of the old key stay valid as long as it does", () => {
    const host = codec("host");
    const { ballots } = host;
    const id = Buffer.from("host    ").toString("hex");
    const old = ballots.own(9);
    host.useKeys(new Keyring([next, secret]));
    expect(ballots.own(9)).not.toBe(old);
    expect([old, ballots.own(9), old ^ 1].map((ballot) => ballots.valid(id, 9, ballot >>> 0))).toEqual([
      true,
      true,
      false,
    ]);
    host.useKeys(new Keyring([next]));
    expect(ballots.valid(id, 9, old)).toBe(false);
  });

  test("show who still signs with which", () => {
    const receiver = new Receiver({ keys: [next, secret] });
    const [oldId, newId] = [new Keyring([secret]).signingId, new Keyring([next]).signingId];
    const counts = () => receiver.codec.keysHeard(receiver.nowMs).map(({ id, hosts }) => [id, hosts]);
    const sender = codec("sender");
    receiver.hear(sender.seal(resign, wall));
    expect(counts()).toEqual([
      [newId, 0],
      [oldId, 2],
    ]); // `first`, who told the receiver to start, too
    sender.useKeys(new Keyring([next, secret]));
    receiver.pass(10);
    receiver.hear(sender.seal(resign, receiver.wallMs));
    expect(counts()).toEqual([
      [newId, 1],
      [oldId, 1],
    ]);
    receiver.pass(10);
    receiver.hear(codec("sender", { boot: "02", keys: [next] }).seal(resign, receiver.wallMs));
    expect(counts()).toEqual([
      [newId, 1],
      [oldId, 1],
    ]);
    receiver.pass(61_000);
    expect(counts()).toEqual([
      [newId, 0],
      [oldId, 0],
    ]);
  });
});

test("a datagram sealed in another's stays what it was", () => {
  const [a, b] = [codec("a"), codec("b")];
  const inner = a.seal(resign, wall);
  const outer = b.seal({ type: "relay", group: "free", data: inner }, wall);
  const receiver = codec("receiver");
  const opened = receiver.open(outer, wall, 0, "x:1") as Opened;
  const { data } = opened.message as Extract<Datagram, { type: "relay" }>;
  expect(receiver.open(Buffer.from(data), wall, 0, "x:1")).toMatchObject({ host: "a", message: resign });
  expect(() => b.seal({ type: "relay", group: "free", data: randomBytes(1190) }, wall)).toThrow(RangeError);
  expect(receiver.open(b.seal(resign, wall), wall, 0, "x:1")).toMatchObject({ host: "b" });
});
