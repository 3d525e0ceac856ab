/**
 * Which files jobs change, for a home whose kernel has cached what they were: a network file system asks its server again
 * about a name when its folder has changed, but about a file that was written in place only after seconds. Looked at are a
 * job's working directory and the folders that its arguments name, or name files in.
 */
import { native } from "../io/native.js";

const ARGUMENTS_MAX = 256;
const FOLDERS_MAX = 16;
const FILES_MAX = 1024;
/** With a NUL behind each; a frame holds 64 KiB. */
const BYTES_MAX = 48 * 1024;

/** Files that one job changed, as it would name them. */
export class Changes {
  private readonly files = new Set<string>();
  private bytes = 0;

  /** @param prefixes - of what is in each folder */
  constructor(
    private readonly folders: Folders,
    readonly prefixes: ReadonlyMap<number, string>,
  ) {}

  note(folder: number, name: Buffer): void {
    const file = `${this.prefixes.get(folder) ?? ""}${name.toString("latin1")}`;
    if (this.files.size >= FILES_MAX || this.files.has(file) || this.bytes + file.length >= BYTES_MAX) return;
    this.files.add(file);
    this.bytes += file.length + 1;
  }

  /** All until now, each ending in NUL; nothing is noted any more. */
  end(): Buffer {
    this.folders.end(this);
    return Buffer.from([...this.files].map((file) => `${file}\0`).join(""), "latin1");
  }
}

/** All that is watched here. Jobs share folders, and then each notes what any of them changes. */
export class Folders {
  private readonly noting = new Map<number, Set<Changes>>();

  /** From now on, that is before the program starts. */
  watch(cwd: Buffer, argv: readonly Buffer[]): Changes {
    this.look(); // what was before is others'
    const prefixes = new Map<number, string>();
    for (const named of foldersOf(argv)) {
      if (prefixes.size >= FOLDERS_MAX) break;
      const path = named.startsWith("/") ? named : `${cwd.toString("latin1")}/${named}`;
      const folder = native.watchFolder(Buffer.from(path, "latin1"));
      if (folder >= 0 && !prefixes.has(folder))
        prefixes.set(folder, named === "." ? "" : named.endsWith("/") ? named : `${named}/`);
    }
    const changes = new Changes(this, prefixes);
    for (const folder of prefixes.keys()) {
      const those = this.noting.get(folder);
      if (those === undefined) this.noting.set(folder, new Set([changes]));
      else those.add(changes);
    }
    return changes;
  }

  end(changes: Changes): void {
    this.look();
    for (const folder of changes.prefixes.keys()) {
      const those = this.noting.get(folder);
      if (!those?.delete(changes) || those.size > 0) continue;
      this.noting.delete(folder);
      native.unwatchFolder(folder);
    }
  }

  /** Notes what happened; once in a while, since the kernel keeps only so much. */
  look(): void {
    if (this.noting.size === 0) return;
    for (const { folder, name } of native.changedFiles())
      for (const changes of this.noting.get(folder) ?? []) changes.note(folder, name);
  }
}

/** The working directory, the folders of the files that words name, and words that may be folders themselves; as in native/prex/settle.c. */
export function foldersOf(argv: readonly Buffer[]): Set<string> {
  const parents = new Set(["."]);
  const themselves: string[] = [];
  for (const argument of argv.slice(1, ARGUMENTS_MAX + 1)) {
    const text = argument.toString("latin1");
    for (const { word, mayBe } of wordsOf(text)) {
      const slash = word.lastIndexOf("/");
      if (slash >= 0) parents.add(word.slice(0, slash) || "/");
      if (mayBe && word !== "") themselves.push(word);
    }
  }
  return new Set([...parents, ...themselves]);
}

/** Options whose letter is followed by where something goes. */
const GOES = /^-[oCd]/;

function* wordsOf(text: string): Generator<{ readonly word: string; readonly mayBe: boolean }> {
  if (!text.startsWith("-")) yield { word: text, mayBe: true };
  else if (!text.startsWith("--")) yield { word: text.slice(2), mayBe: GOES.test(text) };
  for (const match of text.matchAll(/[=,]/g)) yield { word: text.slice(match.index + 1), mayBe: true };
}
