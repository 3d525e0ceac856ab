/** Changes one setting in the text of a configuration, and nothing else: comments and order stay. */
import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { type Config, ConfigError, parseConfig } from "./config.js";

/** A simple value; null: the default, so that the key goes away. */
export type Value = string | number | null;

/** The text with `key` of `table` set. What is written over several lines, or with dots, is not found, and added again. */
export function editText(text: string, table: string, key: string, value: Value): string {
  const lines = text === "" ? [] : text.replace(/\n$/, "").split("\n");
  const line =
    value === null ? null : `${key} = ${typeof value === "string" ? JSON.stringify(value) : value}`;
  const header = lines.findIndex((one) => new RegExp(`^\\s*\\[\\s*${table}\\s*\\]\\s*(#.*)?$`).test(one));
  if (header < 0) {
    if (line === null) return text;
    const gap = lines.length > 0 && lines.at(-1) !== "" ? [""] : [];
    return [...lines, ...gap, `[${table}]`, line, ""].join("\n");
  }
  const next = lines.findIndex((one, at) => at > header && /^\s*\[/.test(one));
  const end = next < 0 ? lines.length : next;
  const find = (form: RegExp) => lines.findIndex((one, at) => at > header && at < end && form.test(one));
  const own = find(new RegExp(`^\\s*${key}\\s*=`));
  const example = find(new RegExp(`^\\s*#\\s*${key}\\s*=`));
  if (own >= 0) {
    const comment = /\s*#[^"']*$/.exec(lines[own] ?? "")?.[0] ?? "";
    lines.splice(own, 1, ...(line === null ? [] : [line + comment]));
  } else if (line !== null) {
    let at = example >= 0 ? example + 1 : end;
    while (example < 0 && at > header + 1 && (lines[at - 1] ?? "").trim() === "") at -= 1;
    lines.splice(at, 0, line);
  }
  return [...lines, ""].join("\n");
}

/**
 * Sets a key in a file, which may not exist yet. The whole is checked before; the file is replaced at once, with its mode
 * and owner. @throws {ConfigError} and leaves it as it is.
 */
export function editConfig(file: string, table: "load", key: keyof Config["load"], value: Value): void {
  const target = resolved(file);
  const before = readText(target);
  parseConfig(before, file);
  const text = editText(before, table, key, value);
  const now = parseConfig(text, file)[table][key];
  const wanted = value ?? parseConfig("", file)[table][key];
  if (now !== wanted)
    throw new ConfigError(
      `${file}: ${table}.${key} is written in a way that is not changed by a program: do it by hand`,
    );
  if (text !== before) replace(target, text);
}

function resolved(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file; // Not there yet.
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return "";
    throw new ConfigError(`${file}: cannot be read: ${code ?? String(error)}`);
  }
}

function replace(file: string, text: string): void {
  const draft = `${file}.${process.pid}.new`;
  try {
    const old = statSync(file, { throwIfNoEntry: false });
    const fd = openSync(draft, "wx", 0o644);
    try {
      writeSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    if (old) {
      chmodSync(draft, old.mode & 0o7777);
      chownSync(draft, old.uid, old.gid);
    }
    renameSync(draft, file);
  } catch (error) {
    try {
      unlinkSync(draft);
    } catch {
      // It was not made.
    }
    throw new ConfigError(
      `${file}: cannot be written: ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
    );
  }
}
