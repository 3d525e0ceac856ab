/** The mark's code on files that are cut short or wrong: an answer or an ElfError, and the file as it was. */
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ElfError, parseElf } from "../../src/io/elf.js";
import { changeMark, MIGRATABLE, markOf, markWords, readMark, withMark } from "../../src/io/mark.js";
import { temporary } from "./support.js";

const program = readFileSync("/bin/true");

test("a file cut short anywhere is refused and stays as it was", () => {
  const path = join(temporary(), "program");
  fc.assert(
    fc.property(fc.oneof(fc.nat(80), fc.nat(program.length - 1)), (length) => {
      const bytes = program.subarray(0, length);
      writeFileSync(path, bytes);
      expect(() => changeMark(path, () => MIGRATABLE)).toThrow(ElfError);
      expect(readFileSync(path).equals(bytes)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test("whatever stands in the header, the outcome is a mark or an ElfError, and only e_flags changes", () => {
  const path = join(temporary(), "program");
  const edits = fc.array(fc.tuple(fc.nat(63), fc.integer({ min: 0, max: 255 })), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(edits, (bytesAt) => {
      const bytes = Buffer.from(program);
      for (const [at, value] of bytesAt) bytes[at] = value;
      writeFileSync(path, bytes);
      chmodSync(path, 0o755);
      let changed = false;
      try {
        changed = changeMark(path, () => MIGRATABLE).changed;
      } catch (error) {
        expect(error).toBeInstanceOf(ElfError);
      }
      const after = readFileSync(path);
      if (changed) bytes.copy(after, 48, 48, 52);
      expect(after.equals(bytes)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test("a big-endian header is read in its own order", () => {
  const head = Buffer.alloc(64);
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 2, 1]);
  head.writeUInt16BE(2, 16);
  head.writeUInt16BE(22, 18);
  head.writeUInt32BE(0x55000000, 48);
  const header = parseElf(head);
  expect(header).toMatchObject({ littleEndian: false, machineName: "s390x", type: 2, flags: 0x55000000 });
  expect(markWords(markOf(header.flags))).toEqual(["migratable", "idempotent"]);
});

test("a 32-bit header has its flags elsewhere", () => {
  const head = Buffer.alloc(52);
  head.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  head.writeUInt16LE(3, 16);
  head.writeUInt16LE(243, 18);
  head.writeUInt32LE(0x52000005, 36);
  const path = join(temporary(), "program");
  writeFileSync(path, head);
  expect(readMark(path)).toMatchObject({ bits: 32, machine: "riscv64", mark: 0x02000000 });
  expect(() => changeMark(path, () => 0)).toThrow(/is for riscv64, this host is|is a 32-bit program/);
});

test("marks go and come without touching other bits", () => {
  fc.assert(
    fc.property(fc.nat(0xffffff), fc.integer({ min: 0, max: 7 }), (own, mark) => {
      const flags = withMark(own, mark << 24);
      expect(markOf(flags)).toBe(mark << 24);
      expect(withMark(flags, 0)).toBe(own);
    }),
  );
});
