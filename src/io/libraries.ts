/**
 * Will the dynamic loader find what a program needs? The loader itself is asked, once for each program and search path;
 * from then on only whether what it named is still there.
 */
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import type { Environment } from "../mux/environment.js";
import { ELF_HEAD_BYTES, parseElf } from "./elf.js";
import { stampOf } from "./identity.js";

const PT_INTERP = 3;
const PATH_MAX = 4096;
const CACHE_MAX = 512;
/** A loader that takes longer is not waited for, ms. */
const ASK_MS = 2000;
const SEARCH = "LD_LIBRARY_PATH";

interface Answer {
  readonly stamp: string;
  /** Name of a library that was not found, or "". */
  readonly missing: string;
  readonly found: readonly string[];
}

const answers = new Map<string, Answer>();

/** Name of a library that is not there, or "" when all are, or when that cannot be found out. */
export function missingLibrary(path: Buffer, cwd: Buffer, env: Environment): string {
  const program = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (program === undefined) return "";
  const search = env.get(SEARCH) ?? "";
  const where = search === "" ? "" : cwd.toString("latin1"); // its elements may be relative
  const key = `${path.toString("latin1")}\0${search}\0${where}`;
  const stamp = stampOf(program);
  const known = answers.get(key);
  if (known?.stamp === stamp && known.missing === "" && known.found.every(isThere)) return "";
  const answer = { stamp, ...ask(path, cwd, search) };
  if (answers.size >= CACHE_MAX) answers.delete(answers.keys().next().value ?? "");
  answers.set(key, answer);
  return answer.missing;
}

const isThere = (file: string): boolean => statSync(file, { throwIfNoEntry: false }) !== undefined;

function ask(path: Buffer, cwd: Buffer, search: string): Omit<Answer, "stamp"> {
  const nothing = { missing: "", found: [] };
  const loader = interpreterOf(path);
  if (loader === "") return nothing;
  const env = search === "" ? {} : { [SEARCH]: search };
  const options = { cwd: cwd.toString(), env, timeout: ASK_MS, encoding: "utf8" } as const;
  const { stdout, stderr, error } = spawnSync(loader, ["--list", fileOf(path)], options);
  if (error !== undefined) return nothing;
  // glibc and musl each in their own words, and glibc's older ones on stdout.
  const missing =
    /error while loading shared libraries: ([^:\s]+):/.exec(stderr) ??
    /^Error loading shared library ([^:\s]+):/m.exec(stderr) ??
    /^\s*(\S+) => not found/m.exec(stdout);
  const found = [...stdout.matchAll(/(?:=> |^\s+)(\/.*?) \(0x[0-9a-f]+\)$/gm)].map((match) => match[1] ?? "");
  return { missing: missing?.[1] ?? "", found };
}

/** What the program is behind its links, of which the kernel tells the loader: $ORIGIN in a search path is that one's folder. */
function fileOf(path: Buffer): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path.toString();
  }
}

/** Path of a program's dynamic loader; "" for a static one, and for what is no program of this machine. */
function interpreterOf(path: Buffer): string {
  try {
    const fd = openSync(path, "r");
    try {
      const head = Buffer.alloc(ELF_HEAD_BYTES);
      const elf = parseElf(head.subarray(0, readSync(fd, head, 0, head.length, 0)));
      const { offset, size, count } = elf.programHeaders;
      if (elf.bits !== 64 || !elf.littleEndian || size !== 56 || count > 256) return "";
      const table = Buffer.alloc(size * count);
      readSync(fd, table, 0, table.length, Number(offset));
      for (let at = 0; at < table.length; at += size) {
        if (table.readUInt32LE(at) !== PT_INTERP) continue;
        const name = Buffer.alloc(Math.min(Number(table.readBigUInt64LE(at + 32)), PATH_MAX));
        readSync(fd, name, 0, name.length, Number(table.readBigUInt64LE(at + 8)));
        return name.toString("utf8").replace(/\0.*$/s, "");
      }
      return "";
    } finally {
      closeSync(fd);
    }
  } catch {
    return "";
  }
}
