/** pants key rotate and pants key show: three steps, each whole or not at all. */
import {
  chmodSync,
  chownSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadKeys, parseKeys } from "../../src/io/key.js";
import { keyId, keyIdWords } from "../../src/wire/keyring.js";
import { command, root, run, temporary } from "./support.js";

const [first, second] = ["ab".repeat(32), "cd".repeat(40)];
const idOf = (hex: string) => keyIdWords(keyId(Buffer.from(hex, "hex")));

/** A key file, and no pantsd. */
function keyFile(text: string): { file: string; env: NodeJS.ProcessEnv; hexes: () => string[] } {
  const folder = temporary();
  const file = join(folder, "key");
  writeFileSync(file, text, { mode: 0o600 });
  writeFileSync(join(folder, "pants.toml"), `[cluster]\nkey_file = "${file}"\n`);
  const env = { PANTS_RUNTIME_DIR: folder, PANTS_CONFIG: join(folder, "pants.toml") };
  return { file, env, hexes: () => loadKeys(file).map((secret) => secret.toString("hex")) };
}

describe("a key file", () => {
  test("may have comments and several keys", () => {
    const text = `# of the lab\n\n${first} # made in May\n  ${second.toUpperCase()}  # old\n#${first}\n`;
    expect(
      parseKeys(text, "key").map(({ line, secret, mark }) => [line, secret.toString("hex"), mark]),
    ).toEqual([
      [3, first, ""],
      [4, second, "old"],
    ]);
  });

  test.each([
    ["# nothing\n", "is empty"],
    [`${first} ${second}\n`, "line 1: not hex digits in pairs"],
    [`${first}\nabcd\n`, "line 2: the key has 2 bytes, 32 are needed"],
    [`${first}\n`.repeat(9), "line 9: more than 8 keys"],
  ])("with %j is refused", (text, says) => {
    expect(() => parseKeys(text, "key")).toThrow(says);
  });
});

describe("key rotate", () => {
  test("leads through three steps", () => {
    const { file, env, hexes } = keyFile(`# of the lab\n${first}\n`);
    const step = (number: number) => {
      const ran = command("pants", ["key", "rotate"], env);
      expect(ran).toMatchObject({ status: 0, stderr: "" });
      expect(ran.stdout).toContain(`Step ${number} of 3: `);
      expect(ran.stdout).toContain(`copy ${file} to the same place on every other host`);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      return ran.stdout;
    };
    step(1);
    const fresh = hexes()[1] ?? "";
    expect(fresh).toMatch(/^[0-9a-f]{64}$/);
    expect(readFileSync(file, "utf8")).toBe(`# of the lab\n${first}\n${fresh} # next\n`);
    expect(step(2)).toContain(`new key ${idOf(fresh)} signs; the old one, ${idOf(first)}, is still accepted`);
    expect(readFileSync(file, "utf8")).toBe(`# of the lab\n${fresh}\n${first} # old\n`);
    step(3);
    expect(readFileSync(file, "utf8")).toBe(`# of the lab\n${fresh}\n`);
    const json = command("pants", ["key", "rotate", "--json"], env);
    expect(JSON.parse(json.stdout)).toEqual({ file, step: 1, key: idOf(hexes()[1] ?? "") });
  });

  test("refuses a file that no rotation left, and one that pantsd would refuse", () => {
    const { file, env } = keyFile(`${first}\n${second}\n`);
    const refused = (says: string) => {
      const before = readFileSync(file, "utf8");
      const ran = command("pants", ["key", "rotate"], env);
      expect(ran).toMatchObject({ status: 1, stdout: "" });
      expect(ran.stderr).toContain(says);
      expect(readFileSync(file, "utf8")).toBe(before);
    };
    refused("has 2 keys that no rotation left");
    writeFileSync(file, `${first}\n${second} # next\n${first}\n`);
    refused("has 3 keys that no rotation left");
    writeFileSync(file, `${first}\n`);
    chmodSync(file, 0o640);
    refused("is open to others");
  });

  test("without room for the new file loses nothing and leaves nothing behind", () => {
    const { file, env } = keyFile(`${first}\n`);
    const folder = join(file, "..");
    const names = readdirSync(folder);
    const pants = join(root, "bin", "pants");
    const ran = run("sh", ["-c", `ulimit -f 0; exec "${pants}" key rotate`], env);
    expect(ran).toMatchObject({ status: 1, stdout: "" });
    expect(ran.stderr).toContain(`${file}: no file may be so large here`);
    expect(readFileSync(file, "utf8")).toBe(`${first}\n`);
    expect(readdirSync(folder)).toEqual(names);
    const fresh = run("sh", ["-c", `ulimit -f 0; exec "${pants}" key new "${file}.new"`], env);
    expect(fresh.status).toBe(1);
    expect(readdirSync(folder)).toEqual(names);
  });

  test.runIf(process.getuid?.() === 0)("keeps the owner, and a symbolic link", () => {
    const { file, env, hexes } = keyFile(`${first}\n`);
    chownSync(file, 4321, 4322);
    symlinkSync(file, `${file}.link`);
    expect(command("pants", ["key", "rotate", `${file}.link`], env)).toMatchObject({ status: 0 });
    expect(lstatSync(`${file}.link`).isSymbolicLink()).toBe(true);
    expect(hexes()).toHaveLength(2);
    expect(statSync(file)).toMatchObject({ uid: 4321, gid: 4322 });
  });
});

test("key show: ids and roles, never a secret", () => {
  const { file, env } = keyFile(`${first}\n${second} # next\n`);
  const ran = command("pants", ["key", "show"], env);
  expect(ran).toMatchObject({ status: 0, stderr: "" });
  expect(ran.stdout.split("\n")).toEqual([
    file,
    "KEY       ROLE             HOSTS",
    `${idOf(first)}  signs                -`,
    `${idOf(second)}  accepted (next)      -`,
    "No pantsd answers here: which keys the hosts use is not known.",
    "When every host has this file: pants key rotate, and the next key signs",
    "",
  ]);
  expect(JSON.parse(command("pants", ["key", "show", "--json"], env).stdout)).toEqual({
    file,
    keys: [
      { id: idOf(first), role: "signs", hosts: null },
      { id: idOf(second), role: "accepted (next)", hosts: null },
    ],
    pantsd: null,
  });
});
