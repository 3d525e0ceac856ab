/** What is in a folder; nothing when it is gone, as those of processes and control groups are at any time. */
import { readdirSync, statSync } from "node:fs";

export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

export function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [entry.name] : [],
    );
  } catch {
    return [];
  }
}

/** Its own names and those of folders in it, as file systems that count them do: 0 when it is gone. */
export function linksOf(folder: string): number {
  try {
    return statSync(folder, { throwIfNoEntry: false })?.nlink ?? 0;
  } catch {
    return 0;
  }
}
