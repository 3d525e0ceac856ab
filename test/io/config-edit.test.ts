/** One setting changed in a configuration's text; everything else stays as a person wrote it. */
import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/io/config.js";
import { editConfig, editText } from "../../src/io/config-edit.js";
import { scratch } from "./support.js";

const folder = scratch();
const example = readFileSync(join(import.meta.dirname, "../../docs/pants.toml"), "utf8");

describe("the text", () => {
  it.each([
    ["", "[load]\ncpu = 90\n"],
    ["[load]\n", "[load]\ncpu = 90\n"],
    ["[load]\ncpu = 50 # mine\n", "[load]\ncpu = 90 # mine\n"],
    ["# a\n[slots]\ntotal = 3\n", "# a\n[slots]\ntotal = 3\n\n[load]\ncpu = 90\n"],
    [
      '[load]\npolicy = "cpu"\n\n[slots]\ntotal = 3\n',
      '[load]\npolicy = "cpu"\ncpu = 90\n\n[slots]\ntotal = 3\n',
    ],
    ["[load]\n#cpu = 95\nio = 7\n", "[load]\n#cpu = 95\ncpu = 90\nio = 7\n"],
    ["[load] # the load\n  cpu=50\n[slots]", "[load] # the load\ncpu = 90\n[slots]\n"],
  ])("%j becomes %j", (before, after) => {
    expect(editText(before, "load", "cpu", 90)).toBe(after);
  });

  it("takes a key away", () => {
    expect(editText("[load]\ncpu = 50\nio = 7\n", "load", "cpu", null)).toBe("[load]\nio = 7\n");
    expect(editText("[slots]\n", "load", "cpu", null)).toBe("[slots]\n");
  });

  it("changes nothing else, whatever is set in whatever order", () => {
    const change = fc.oneof(
      fc.record({
        key: fc.constantFrom("io", "ctxt", "memory", "net"),
        value: fc.integer({ min: 1, max: 1e9 }),
      }),
      fc.record({ key: fc.constant("cpu"), value: fc.integer({ min: 1, max: 100 }) }),
      fc.record({ key: fc.constant("policy"), value: fc.constantFrom("cpu", "multi", "adaptive") }),
    );
    const start = fc.constantFrom("", example, "[slots]\ntotal = 2\n[load]\nio = 3 # x\n", "[load]");
    fc.assert(
      fc.property(start, fc.array(change, { maxLength: 12 }), (text, changes) => {
        const expected = structuredClone(parseConfig(text, "f"));
        let now = text;
        for (const { key, value } of changes) {
          now = editText(now, "load", key, value);
          Object.assign(expected.load, { [key]: value });
        }
        expect(parseConfig(now, "f")).toEqual(expected);
        const comments = (t: string) => t.split("\n").filter((line) => line.startsWith("#"));
        expect(comments(now)).toEqual(comments(text));
      }),
    );
  });
});

describe("the file", () => {
  it("keeps its mode, its comments and its link", () => {
    const file = join(folder, "pants.toml");
    writeFileSync(file, "# mine\n[load]\ncpu = 50\n");
    chmodSync(file, 0o640);
    symlinkSync("pants.toml", join(folder, "link.toml"));
    editConfig(join(folder, "link.toml"), "load", "cpu", 70);
    expect(readFileSync(file, "utf8")).toBe("# mine\n[load]\ncpu = 70\n");
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder).sort()).toEqual(["link.toml", "pants.toml"]);
  });

  it("is made when it is not there, and left alone when anything is wrong", () => {
    const file = join(folder, "new.toml");
    editConfig(file, "load", "policy", "multi");
    expect(readFileSync(file, "utf8")).toBe('[load]\npolicy = "multi"\n');
    expect(() => editConfig(file, "load", "cpu", 300)).toThrow(/new\.toml:\d+: load\.cpu/);
    expect(readFileSync(file, "utf8")).toBe('[load]\npolicy = "multi"\n');
    const broken = join(folder, "broken.toml");
    writeFileSync(broken, "[load]\ncpu = \n");
    expect(() => editConfig(broken, "load", "io", 3)).toThrow(/broken\.toml:2/);
    expect(readFileSync(broken, "utf8")).toBe("[load]\ncpu = \n");
    const dotted = join(folder, "dotted.toml");
    writeFileSync(dotted, "load.cpu = 40\n");
    expect(() => editConfig(dotted, "load", "cpu", 50)).toThrow(/dotted\.toml/);
    expect(readFileSync(dotted, "utf8")).toBe("load.cpu = 40\n");
    expect(() => editConfig(join(folder, "none", "x.toml"), "load", "cpu", 50)).toThrow(
      /cannot be written: ENOENT/,
    );
  });
});
