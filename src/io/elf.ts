/** The header of an ELF file, as far as a mark needs it (native/include/pants.h). Pure: bytes in, facts out. */

/** A file that cannot carry a mark, in words that follow its name: `is a script ...`. */
export class ElfError extends Error {}

export interface ElfHeader {
  readonly bits: 32 | 64;
  readonly littleEndian: boolean;
  readonly machine: number;
  /** uname's word for the machine, or what is known of it. */
  readonly machineName: string;
  /** ET_EXEC 2, ET_DYN 3, ... */
  readonly type: number;
  /** e_flags and where it stands. */
  readonly flags: number;
  readonly flagsOffset: number;
  /** Where the file must at least reach, by the tables that its header names. */
  readonly tablesEnd: bigint;
  readonly programHeaders: { readonly offset: bigint; readonly size: number; readonly count: number };
}

/** Machines whose e_flags bits 24-31 are free, with the byte order that is in use and process.arch's name. */
const machines: Readonly<Record<number, { name: string; arch: string; littleEndian: boolean }>> = {
  62: { name: "x86_64", arch: "x64", littleEndian: true },
  183: { name: "aarch64", arch: "arm64", littleEndian: true },
  243: { name: "riscv64", arch: "riscv64", littleEndian: true },
  21: { name: "ppc64le", arch: "ppc64", littleEndian: true },
  22: { name: "s390x", arch: "s390x", littleEndian: false },
  258: { name: "loongarch64", arch: "loong64", littleEndian: true },
};
const others: Readonly<Record<number, string>> = { 2: "sparc", 3: "i386", 8: "mips", 20: "ppc", 40: "arm" };

/** How many bytes of a file's beginning parseElf wants (fewer only when the file is shorter). */
export const ELF_HEAD_BYTES = 256;

/** Reads the header at the beginning of a file. @throws {ElfError} when it is not a whole ELF header. */
export function parseElf(head: Buffer): ElfHeader {
  if (head.length === 0) throw new ElfError("is empty");
  if (head[0] === 0x23 && head[1] === 0x21) {
    const line = (head.toString("latin1").split("\n")[0] ?? "").replace(/[^\x20-\x7e]/g, "?");
    throw new ElfError(`is a script (${line.slice(0, 80).trim()}): mark its interpreter`);
  }
  if (head.length < 4 || head.readUInt32BE(0) !== 0x7f454c46) throw new ElfError("is not an ELF file");
  const truncated = new ElfError("is a truncated ELF file");
  if (head.length < 16) throw truncated;
  const bits = head[4] === 1 ? 32 : head[4] === 2 ? 64 : 0;
  if (bits === 0) throw new ElfError(`is not a valid ELF file: class ${head[4] ?? 0}`);
  if (head[5] !== 1 && head[5] !== 2)
    throw new ElfError(`is not a valid ELF file: byte order ${head[5] ?? 0}`);
  if (head.length < (bits === 64 ? 64 : 52)) throw truncated;
  const littleEndian = head[5] === 1;
  const half = (at: number): number => (littleEndian ? head.readUInt16LE(at) : head.readUInt16BE(at));
  const word = (at: number): number => (littleEndian ? head.readUInt32LE(at) : head.readUInt32BE(at));
  const long = (at: number): bigint => (littleEndian ? head.readBigUInt64LE(at) : head.readBigUInt64BE(at));
  const address = (at: number): bigint => (bits === 64 ? long(at) : BigInt(word(at)));
  const counts = bits === 64 ? 54 : 42; // e_phentsize, e_phnum, e_shentsize, e_shnum
  const programHeaders = {
    offset: address(bits === 64 ? 32 : 28),
    size: half(counts),
    count: half(counts + 2),
  };
  const sections = address(bits === 64 ? 40 : 32);
  const sectionBytes = BigInt(half(counts + 4)) * BigInt(half(counts + 6));
  const programEnd = programHeaders.offset + BigInt(programHeaders.size) * BigInt(programHeaders.count);
  const sectionEnd = sections === 0n ? 0n : sections + sectionBytes;
  const machine = half(18);
  const flagsOffset = bits === 64 ? 48 : 36;
  return {
    bits,
    littleEndian,
    machine,
    machineName: machines[machine]?.name ?? others[machine] ?? `machine ${machine}`,
    type: half(16),
    flags: word(flagsOffset),
    flagsOffset,
    tablesEnd: programEnd > sectionEnd ? programEnd : sectionEnd,
    programHeaders,
  };
}

/**
 * Where the file must reach for all its segments to be there.
 * @param table - the program header table; entries that are cut off are not counted
 */
export function segmentsEnd(header: ElfHeader, table: Buffer): bigint {
  const { size, count } = header.programHeaders;
  const wide = header.bits === 64;
  let end = 0n;
  for (let at = 0; at < count * size && at + (wide ? 56 : 32) <= table.length; at += size) {
    const number = (from: number): bigint => {
      if (!wide)
        return BigInt(header.littleEndian ? table.readUInt32LE(at + from) : table.readUInt32BE(at + from));
      return header.littleEndian ? table.readBigUInt64LE(at + from) : table.readBigUInt64BE(at + from);
    };
    const last = number(wide ? 8 : 4) + number(wide ? 32 : 16); // p_offset + p_filesz
    if (last > end) end = last;
  }
  return end;
}

/**
 * Says no to a file whose kind cannot carry a mark, or not on this host.
 * @param arch - process.arch of the host on which it is to run
 * @throws {ElfError}
 */
export function requireMarkable(header: ElfHeader, arch: string): void {
  const machine = machines[header.machine];
  if (machine?.littleEndian !== header.littleEndian) {
    const order = machine ? ` (${header.littleEndian ? "little" : "big"}-endian)` : "";
    throw new ElfError(`is for ${header.machineName}${order}, whose programs have no room for a mark`);
  }
  const host = Object.values(machines).find((known) => known.arch === arch)?.name ?? arch;
  if (machine.arch !== arch) throw new ElfError(`is for ${machine.name}, this host is ${host}`);
  if (header.bits !== 64) throw new ElfError(`is a 32-bit program for ${machine.name}, this host is ${host}`);
  if (header.type !== 2 && header.type !== 3) {
    const kind =
      header.type === 1 ? "an object file" : header.type === 4 ? "a core dump" : "not executable code";
    throw new ElfError(`is ${kind}, not a program`);
  }
}
