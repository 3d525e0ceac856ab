/** The bounded record: what was written is read, whatever happened in between. */
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { indexNames, nothingMeasured } from "../../src/core/indices.js";
import { causes } from "../../src/core/policy/policy.js";
import { decodeLoad, encodeLoad, type LoadEntry, loadFormat } from "../../src/io/load-record.js";
import { type RingFormat, RingWriter, readRing } from "../../src/io/ring-file.js";
import { scratch } from "./support.js";

const folder = scratch();
const format: RingFormat = { magic: "TEST1", size: 16 };
let files = 0;
const newFile = () => join(folder, `ring${(files += 1)}`);

function write(file: string, from: number, to: number, capacity = 10): void {
  const ring = new RingWriter(file, format, capacity);
  for (let n = from; n <= to; n += 1) ring.append((content) => content.writeDoubleLE(n));
  ring.close();
}

const numbers = (file: string) =>
  readRing(readFileSync(file), format).map((content) => content.readDoubleLE());
const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

describe("a ring file", () => {
  it("keeps the newest, in order, and grows no further", () => {
    const file = newFile();
    write(file, 1, 7);
    expect(numbers(file)).toEqual(upTo(1, 7));
    write(file, 8, 1000);
    expect(numbers(file)).toEqual(upTo(991, 1000));
    expect(statSync(file).size).toBeLessThanOrEqual(32 + 10 * (16 + 12));
  });

  it("goes on where it was, however often it is opened", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 25 }), { maxLength: 8 }), (counts) => {
        const file = newFile();
        let written = 0;
        for (const count of counts) {
          write(file, written + 1, written + count);
          written += count;
        }
        if (counts.length > 0) expect(numbers(file)).toEqual(upTo(Math.max(1, written - 9), written));
      }),
      { numRuns: 60 },
    );
  });

  it("leaves out what is torn, and nothing else", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (count, where, change) => {
          const file = newFile();
          write(file, 1, count);
          const bytes = readFileSync(file);
          const at = 32 + (where % (bytes.length - 32));
          bytes[at] = (bytes[at] ?? 0) ^ change;
          writeFileSync(file, bytes);
          const kept = numbers(file);
          const all = upTo(Math.max(1, count - 9), count);
          expect(kept.every((n) => all.includes(n))).toBe(true);
          expect(kept.length).toBeGreaterThanOrEqual(all.length - 1);
          write(file, 500, 500);
          expect(numbers(file).at(-1)).toBe(500);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("begins anew when the file is cut short, of another kind or no ring at all", () => {
    const cut = newFile();
    write(cut, 1, 5);
    truncateSync(cut, 20);
    expect(numbers(cut)).toEqual([]);
    write(cut, 6, 6);
    expect(numbers(cut)).toEqual([6]);
    const other = newFile();
    appendFileSync(other, "not a ring, but longer than a header of one would be");
    write(other, 1, 2);
    expect(numbers(other)).toEqual([1, 2]);
    const resized = newFile();
    write(resized, 1, 5);
    write(resized, 6, 7, 20);
    expect(numbers(resized)).toEqual([6, 7]);
  });

  it.skipIf(process.getuid?.() !== 0)("says when the disk is full, and loses nothing that it had", () => {
    const disk = join(folder, "disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8k", "tmpfs", disk]);
    try {
      const file = join(disk, "ring");
      const ring = new RingWriter(file, format, 1000);
      let written = 0;
      const append = () => ring.append((content) => content.writeDoubleLE((written += 1)));
      expect(() => {
        for (let n = 0; n < 1000; n += 1) append();
      }).toThrow(/ENOSPC/);
      expect(numbers(file).length).toBeGreaterThan(100);
      execFileSync("mount", ["-o", "remount,size=64k", disk]);
      append();
      expect(numbers(file).at(-1)).toBe(written);
      ring.close();
    } finally {
      execFileSync("umount", [disk]);
    }
  });
});

describe("an entry of the load", () => {
  const float = fc.float({ min: 0, max: Math.fround(1e9), noNaN: true });
  const maybe = fc.option(float, { nil: null });
  const record = <K extends string>(keys: readonly K[]) =>
    fc
      .array(maybe, { minLength: keys.length, maxLength: keys.length })
      .map(
        (values) => Object.fromEntries(keys.map((key, n) => [key, values[n]])) as Record<K, number | null>,
      );
  const entry: fc.Arbitrary<LoadEntry> = fc.record({
    timeMs: fc.double({ min: 0, max: 1e13, noNaN: true }),
    intervalMs: float,
    sample: record(Object.keys(nothingMeasured) as (keyof typeof nothingMeasured)[]),
    busy: fc.boolean(),
    lends: fc.boolean(),
    cause: fc.option(fc.constantFrom(...causes), { nil: null }),
    value: float,
    threshold: float,
    taken: fc.nat(65_535),
    guests: fc.nat(65_535),
    total: fc.nat(65_535),
    policy: fc.constantFrom("cpu", "multi", "adaptive"),
    role: fc.constantFrom("busy", "free", "candidate", "leader"),
    thresholds: record(indexNames),
  });
  it("is read as it was written", () => {
    fc.assert(
      fc.property(entry, (one) => {
        const bytes = Buffer.alloc(loadFormat.size);
        encodeLoad(one, bytes);
        expect(decodeLoad(bytes)).toEqual(one);
      }),
    );
  });
});
