/** Other ways to share a build over hosts, on the same lab: what they are called, what they need, and how they are set up. */
import { chmodSync, writeFileSync } from "node:fs";
import type { Lab } from "../../../lab/lab.js";
import type { Env } from "../../../lab/place.js";
import { which } from "../../../lab/rights.js";

/** What is typed before and after `make`, and the variables that it is typed with. */
export interface Typed {
  readonly before: readonly string[];
  readonly after?: readonly string[];
  readonly env: Env;
}

export interface Setting {
  readonly lab: Pick<Lab, "hosts" | "folder">;
  /** Folder with the compiler that all of them run, in front of PATH. */
  readonly compiler: string;
  /** CPUs of each host. */
  readonly cpus: number;
}

export interface Peer {
  readonly name: string;
  /** Programs, and the Debian packages that have them. */
  readonly needs: Readonly<Record<string, string>>;
  /**
   * Starts its daemons inside the lab's hosts, with all their state in the lab's folder: they end, and are gone, with it.
   */
  readonly setUp: (setting: Setting) => Promise<Typed>;
}

/** Debian packages that a peer lacks here. */
export function missingFor({ needs }: Peer): string[] {
  const absent = Object.entries(needs).filter(([program]) => which(program) === "");
  return [...new Set(absent.map(([, name]) => name))];
}

/** An empty file that a daemon may write to which has given up root. */
export function writableFile(file: string): string {
  writeFileSync(file, "");
  chmodSync(file, 0o666);
  return file;
}

/** A PATH that begins with these folders. */
export const pathOf = (...folders: readonly string[]): string =>
  [...folders, process.env["PATH"] ?? "/usr/bin:/bin"].join(":");
