import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { withOurs } from "../../src/agent/environment.js";
import { carried } from "../../src/helper/environment.js";
import { Environment } from "../../src/mux/environment.js";

const b = (text: string): Buffer => Buffer.from(text, "latin1");
/** Read by itself, so that whoever writes the block is held by it. */
function texts({ bytes, count }: Environment): string[] {
  const all: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const from = at + 4;
    at = from + bytes.readUInt32LE(at);
    all.push(bytes.toString("latin1", from, at));
  }
  expect(all).toHaveLength(count);
  return all;
}
/** Bytes without NUL, many of them the beginnings of names that matter. */
const variable = fc
  .tuple(
    fc.constantFrom(
      "",
      "A",
      "PANTS_PREX",
      "PANTS_PREXX",
      "SSH_AUTH_SOCK",
      "SSH",
      "PANTS_STANDIN",
      "\u00ff\u0080",
    ),
    fc.constantFrom("", "="),
    fc.string({
      unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
      maxLength: 300,
    }),
  )
  .map((parts) => b(parts.join("")));

describe("an environment", () => {
  it("is the same after a journey, wherever it lies", () => {
    fc.assert(
      fc.property(fc.array(variable), fc.nat({ max: 20 }), (all, before) => {
        const whole = Environment.of(all);
        const bytes = Buffer.concat([Buffer.alloc(before, 7), whole.bytes, Buffer.alloc(9, 1)]);
        const there = Environment.at(bytes, before, all.length);
        expect(there?.bytes.equals(whole.bytes)).toBe(true);
        expect(there && texts(there)).toEqual(all.map((one) => one.toString("latin1")));
      }),
    );
  });

  it("gives the first value of each variable, and no other one's", () => {
    fc.assert(
      fc.property(
        fc.array(variable),
        fc.constantFrom("A", "PANTS_PREX", "SSH_AUTH_SOCK", "SSH", "B"),
        (all, name) => {
          const first = all.map((one) => one.toString("latin1")).find((one) => one.startsWith(`${name}=`));
          expect(Environment.of(all).get(name)).toBe(first?.slice(name.length + 1));
        },
      ),
    );
  });

  it("loses what is to go and nothing else, in order", () => {
    fc.assert(
      fc.property(fc.array(variable), (all) => {
        const left = all.map((one) => one.toString("latin1"));
        const own = /^(PANTS_PREX|SSH_AUTH_SOCK|PANTS_STANDIN)(=|$)/;
        const without = carried(Environment.of(all));
        expect(texts(without)).toEqual(left.filter((one) => !own.test(one)));
      }),
    );
    const kept = Environment.of([
      b("PANTS_KEEP_ENV=SSH_AUTH_SOCK PANTS_STANDIN"),
      b("SSH_AUTH_SOCK=s"),
      b("PANTS_STANDIN=x"),
    ]);
    expect(texts(carried(kept))).toEqual(["PANTS_KEEP_ENV=SSH_AUTH_SOCK PANTS_STANDIN", "SSH_AUTH_SOCK=s"]);
  });

  it("has the far host's PANTS in place of this one's, where it had one", () => {
    const far = { PANTS_RUNTIME_DIR: "/far" };
    const there = (...all: string[]) => texts(withOurs(carried(Environment.of(all.map(b))), far));
    const home = ["A=1", "PANTS_CONFIG=/c", "PANTS_RUNTIME_DIR=/home/run", "B=2"];
    expect(there(...home)).toEqual(["A=1", "PANTS_RUNTIME_DIR=/far", "B=2"]);
    for (const other of [["A=1", "PANTS_RUNTIME_DI=x", "PANTS_POLICY="], [], ["", "P"]])
      expect(there(...other)).toEqual(other);
    const kept = ["PANTS_KEEP_ENV=PANTS_CONFIG", "PANTS_CONFIG=/c"];
    expect(there(...kept)).toEqual(kept);
  });

  it("is none when it is cut short, has a NUL inside, or fewer strings than said", () => {
    fc.assert(
      fc.property(fc.array(variable, { minLength: 1 }), fc.nat(), (all, cut) => {
        const { bytes } = Environment.of(all);
        expect(Environment.at(bytes.subarray(0, cut % bytes.length), 0, all.length)).toBeUndefined();
        expect(Environment.at(bytes, 0, all.length + 1)).toBeUndefined();
      }),
    );
    expect(Environment.at(Environment.of([b("A=1"), b("B=\0")]).bytes, 0, 2)).toBeUndefined();
  });
});
