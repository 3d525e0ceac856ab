/** What `make fuzz` does with ten million inputs, here with a few hundred thousand; and properties of any input at all. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseRequest } from "../../src/daemon/control-parse.js";
import { parseAfter } from "../../src/helper/progress.js";
import { ConfigError, parseConfig } from "../../src/io/config.js";
import { ElfError, parseElf } from "../../src/io/elf.js";
import { KeyError, parseKeys } from "../../src/io/key.js";
import { decodeMsg, decodeRun, decodeState } from "../../src/io/layout.js";
import { Decoder } from "../../src/mux/decode.js";
import { LinkFault } from "../../src/mux/errors.js";
import { decodeSpec } from "../../src/mux/spec.js";
import { decodeRefused, decodeStatus } from "../../src/mux/status.js";
import { Bed, shows } from "./bed.js";
import { inputsFor, run, targets } from "./run.js";
import { decoded, must, type Target } from "./target.js";

const inputs = 300_000;

test.each(targets.map((target) => [target.name, target] as const))("%s", (_, target) => {
  const { finding, inputs: done } = run(target, inputsFor(target, inputs), 1);
  expect(finding).toBe("");
  expect(done).toBe(inputsFor(target, inputs));
});

test("what does not hold is reported with its input, and how far it came", () => {
  const broken: Target = {
    name: "broken",
    share: 1,
    start: (chance) => ({
      input: "",
      once() {
        this.input = chance.bytes(2).toString("hex");
        must(!this.input.startsWith("0"), "begins with 0");
      },
    }),
  };
  const { finding, inputs: done } = run(broken, 1000, 1);
  expect(finding).toMatch(/begins with 0[^]*\ninput: "0/);
  expect(done).toBeLessThan(1000);
});

describe("any input", () => {
  const bytes = fc.uint8Array({ maxLength: 2000, size: "max" }).map((array) => Buffer.from(array));
  const anyText = fc.string({ unit: "binary", maxLength: 500 });

  test("as bytes is refused by the declared error, or read", () => {
    fc.assert(
      fc.property(bytes, (data) => {
        decodeState(data);
        decodeMsg(data);
        decodeRun(data);
        decoded(ElfError, () => parseElf(data));
        decoded(LinkFault, () => decodeSpec(data));
        decoded(LinkFault, () => decodeStatus(data));
        decoded(LinkFault, () => decodeRefused(data));
        decoded(LinkFault, () => new Decoder("home").push(data, () => undefined));
      }),
      { numRuns: 2000 },
    );
  });

  test("as a datagram changes nothing at any host", () => {
    const bed = new Bed(1);
    const state = () => bed.everyone.map((host) => shows(host, bed.nowMs)).join("\n");
    const before = state();
    expect(bed.everyone.map(({ endpoint }) => endpoint.node.role)).toEqual([
      "leader",
      "free",
      "free",
      "busy",
      "candidate",
    ]);
    fc.assert(
      fc.property(bytes, fc.constantFrom("group" as const, "unicast" as const), (data, over) => {
        for (const { endpoint } of bed.everyone) {
          expect(endpoint.receive({ data, from: "x:1", over }, bed.nowMs, bed.wallMs)).toBe(false);
          expect(endpoint.ready()).toEqual([]);
        }
      }),
    );
    expect(state()).toBe(before);
  });

  test("as text is refused by the declared error, or read", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        parseAfter(text);
        decoded(ConfigError, () => parseConfig(text, "pants.toml"));
        decoded(KeyError, () => parseKeys(text, "key"));
      }),
      { numRuns: 2000 },
    );
  });

  test("as JSON is a request, or a problem in words", () => {
    const requests = fc.record({
      t: fc.constantFrom("request", "release", "outcome", "hosts", "x"),
      id: fc.jsonValue(),
    });
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), requests), (value) => {
        const request = parseRequest(value);
        if ("problem" in request) expect(request.problem).not.toBe("");
      }),
      { numRuns: 2000 },
    );
  });
});
