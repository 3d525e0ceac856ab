/** What /proc says of a process. */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";

/** State, parent, group and what follows. @throws {Error} when it is gone */
function statOf(pid: number): string[] {
  // Its name stands before them in parentheses and may hold anything.
  return readFileSync(`/proc/${pid}/stat`, "latin1")
    .replace(/^.*\) /s, "")
    .split(" ");
}

/** True while a process is stopped by a signal. */
export function isStopped(pid: number): boolean {
  try {
    return statOf(pid)[0] === "T";
  } catch {
    return false;
  }
}

/** False while a process has a terminal and is not in its foreground: what is typed there is for others. */
export function isForeground(pid: number): boolean {
  try {
    const [, , group, , terminal, foreground] = statOf(pid);
    return terminal === "0" || group === foreground;
  } catch {
    return false;
  }
}

/** Parent of a process; 0: it has none, or is gone. */
export function parentOf(pid: number): number {
  try {
    return Number(statOf(pid)[1]);
  } catch {
    return 0;
  }
}

/**
 * Whether another process than these may read an anonymous pipe; true also where that is not ours to know.
 * @param session - whose programs of other users may have it, through sudo or the like
 */
export function isReadByOthers(inode: number, known: readonly number[], session: number): boolean {
  try {
    statOf(1); // else we may not see whoever is not ours
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name) && !known.includes(Number(name)))
      .some((name) => mayRead(Number(name), `pipe:[${inode}]`, session));
  } catch {
    return true;
  }
}

function mayRead(pid: number, pipe: string, session: number): boolean {
  const folder = `/proc/${pid}/fd`;
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EACCES" && sessionOf(pid) === session;
  }
  return names.some((name) => {
    try {
      return (
        readlinkSync(`${folder}/${name}`) === pipe && (lstatSync(`${folder}/${name}`).mode & 0o400) !== 0
      );
    } catch {
      return false; // closed meanwhile
    }
  });
}

/** Session of a process; 0: it is gone. */
export function sessionOf(pid: number): number {
  try {
    return Number(statOf(pid)[3]);
  } catch {
    return 0;
  }
}

/**
 * Whether a process has an end of an anonymous pipe open; true also where that is not ours to know.
 * @param numbers - of the descriptors to look at; default: all
 */
export function holdsPipe(pid: number, inode: number, numbers?: readonly number[]): boolean {
  const pipe = `pipe:[${inode}]`;
  const folder = `/proc/${pid}/fd`;
  const leadsThere = (number: number | string): boolean => {
    try {
      return readlinkSync(`${folder}/${number}`) === pipe;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== "ENOENT"; // closed meanwhile, or never open
    }
  };
  try {
    return (numbers ?? readdirSync(folder)).some(leadsThere);
  } catch {
    return true;
  }
}
