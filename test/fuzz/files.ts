/** Files that anybody may have written, or half written: state, slot table, programs, configuration, keys. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, parseConfig } from "../../src/io/config.js";
import { ElfError, parseElf, requireMarkable, segmentsEnd } from "../../src/io/elf.js";
import { KeyError, parseKeys } from "../../src/io/key.js";
import { rotate } from "../../src/io/key-rotate.js";
import { decodeState, encodeState, isFresh, type State } from "../../src/io/layout.js";
import { markOf, withMark } from "../../src/io/mark.js";
import { native } from "../../src/io/native.js";
import type { Chance } from "./random.js";
import { decoded, must, type Session, type Target } from "./target.js";

const someState: State = {
  seq: 9,
  intervalMs: 1000,
  writtenNs: 5_000_000_000n,
  busy: true,
  index: 1,
  remote: true,
  slotsTotal: 4,
  remoteAfterNs: 0n,
  sleeping: 1,
  pid: 4000,
  indexValue: 99,
  availableMb: 4000,
  place: 0xfedc_ba98,
  indexThreshold: 95,
};

class StateRecords implements Session {
  input: Buffer = Buffer.alloc(0);
  constructor(private readonly chance: Chance) {}

  once(): void {
    const { chance } = this;
    this.input = chance.once(20)
      ? chance.bytes(chance.below(100))
      : chance.mutate(encodeState(someState), 100);
    const state = decodeState(this.input);
    if (!state) return;
    isFresh(state, 6_000_000_000n);
    must(decodeState(encodeState(state)) !== null, "what was read cannot be written");
  }
}

/** The head of this very program, its segments included. */
const program = readFileSync(process.execPath).subarray(0, 1200);
const script = Buffer.from("#!/bin/sh -e\nexit 0\n");

class Programs implements Session {
  input: Buffer = Buffer.alloc(0);
  constructor(private readonly chance: Chance) {}

  once(): void {
    const { chance } = this;
    const original = chance.once(50) ? script : program;
    this.input = chance.mutate(original, 1300, 0, chance.once(2) ? 64 : original.length);
    if (chance.once(10)) this.input = this.input.subarray(0, chance.below(80));
    const header = decoded(ElfError, () => parseElf(this.input));
    if (!header) return;
    const { size, count, offset } = header.programHeaders;
    const from = Number(offset < 1200n ? offset : 0n);
    segmentsEnd(header, this.input.subarray(from, from + size * count));
    decoded(ElfError, () => requireMarkable(header, "x64"));
    const mark = markOf(header.flags);
    const flags = decoded(ElfError, () => withMark(header.flags, mark));
    if (flags !== undefined) must(markOf(flags) === mark, "the mark changed");
  }
}

const toml = `[cluster]\nname = "pants"\nkey_file = "/etc/pants/key"\n[network]\ninterface = "eth0"\nport = 7717\nttl = 1
[load]\npolicy = "cpu"\ninterval_ms = 1000\ncpu = 95\n[slots]\ntotal = 0\n[placement]\npatience_ms = 30_000\n`;

class Configurations implements Session {
  input = "";
  constructor(private readonly chance: Chance) {}

  once(): void {
    const { chance } = this;
    const bytes = chance.mutate(Buffer.from(toml), 1000);
    const deep = chance.once(100)
      ? `\nx = ${chance.pick(["[", "{a=", "[{a="]).repeat(chance.below(20_000))}`
      : "";
    this.input = chance.once(50)
      ? chance.bytes(chance.below(200)).toString("utf8")
      : bytes.toString("utf8") + deep;
    try {
      parseConfig(this.input, "pants.toml");
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      must(/^pants\.toml:\d+:/.test(error.message), `does not say where: ${error.message}`);
    }
  }
}

const keyText = `# of the lab\n${"ab".repeat(32)}\n${"cd".repeat(32)} # next\n`;

class KeyFiles implements Session {
  input = "";
  constructor(private readonly chance: Chance) {}

  once(): void {
    const { chance } = this;
    this.input = (
      chance.once(20) ? chance.bytes(chance.below(200)) : chance.mutate(Buffer.from(keyText), 1000)
    ).toString("latin1");
    const entries = decoded(KeyError, () => parseKeys(this.input, "key"));
    if (!entries) return;
    must(
      entries.every(({ secret }) => secret.length >= 32),
      "a short key",
    );
    const rotation = decoded(KeyError, () => rotate(this.input, entries, "ef".repeat(32), "key"));
    if (!rotation) return;
    const after = parseKeys(rotation.text, "key").map(({ hex }) => hex);
    const kept = rotation.step === 1 ? entries[0] : entries[rotation.step - 2];
    must(after.length === (rotation.step === 3 ? 1 : 2), "a wrong number of keys");
    must(kept !== undefined && after.includes(kept.hex), "a rotation lost a key");
  }
}

/** The shared slot table, which every user of a host may write to. */
class SlotTables implements Session {
  input: Buffer = Buffer.alloc(0);
  readonly #folder = mkdtempSync(join(tmpdir(), "pants-fuzz-"));
  readonly #file = join(this.#folder, "slots");
  readonly #whole: Buffer;

  constructor(private readonly chance: Chance) {
    must(native.tableOpen(this.#file, 4, 0o600) === 0, "no slot table");
    native.why({
      pid: 1,
      program: "/usr/bin/cc",
      uid: 0,
      where: 1,
      reason: 1,
      index: 0,
      host: "beta",
      durationMs: 1,
      status: 0,
      detail: "",
    });
    native.tableClose();
    this.#whole = readFileSync(this.#file);
  }

  once(): void {
    const { chance } = this;
    const dense = chance.once(2) ? 64 : this.#whole.length;
    this.input = chance.mutate(this.#whole, this.#whole.length + 64, 0, dense);
    writeFileSync(this.#file, this.input);
    if (native.tableOpen(this.#file, 0, 0) < 0) return;
    const words = native.slotWords();
    must(words.length <= 256, "more slots than a table has");
    must(native.whyRead(512).length <= 512, "more decisions than a table has");
    native.tableClose();
  }

  end(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export const fileTargets: readonly Target[] = [
  { name: "state records", share: 20, start: (chance) => new StateRecords(chance) },
  { name: "programs' headers", share: 30, start: (chance) => new Programs(chance) },
  { name: "configurations", share: 10, start: (chance) => new Configurations(chance) },
  { name: "key files", share: 8, start: (chance) => new KeyFiles(chance) },
  { name: "slot tables", share: 2, start: (chance) => new SlotTables(chance) },
];
