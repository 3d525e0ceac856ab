/**
 * Programs that wait for each other through pipes. One that waits for a slot while its neighbour holds one, and cannot go on
 * without it, would wait for ever: here they would all have been started at once.
 */
import { holdsPipe, isReadByOthers, parentOf, sessionOf } from "../io/processes.js";
import type { Held } from "./descriptors.js";
import type { Piped } from "./waiting.js";

/** A stdin that some job's parent has too: so have all jobs of one make, which need not be looked at again. */
let common = 0;

/** A job's stdin and stdout, as far as those are anonymous pipes. */
export class Pipes {
  /** Inodes; 0: it is none. */
  private readonly reads: number;
  private readonly writes: number;

  constructor(
    private readonly pid: number,
    files: readonly Held[],
  ) {
    this.reads = pipeAt(0, files);
    this.writes = pipeAt(1, files);
  }

  /** What can be seen for little, before it waits: whether it reads what a neighbour writes, if that matters now. */
  first(matters: boolean): Piped {
    if (this.reads === 0 && this.writes === 0) return "no";
    if (!matters || this.reads === 0 || this.reads === common) return "maybe";
    if (isPiped(this.pid, [this.reads])) return "yes";
    common = this.reads;
    return "maybe";
  }

  /** Whether a neighbour waits for it, as far as can be seen now. */
  look(): boolean {
    return isPiped(
      this.pid,
      [this.reads, this.writes].filter((inode) => inode !== 0),
    );
  }

  /** Whether what one writes is what the other reads. All jobs of a make may have one stdin, and one stdout. */
  leadTo({ reads, writes }: Pipes): boolean {
    return (this.reads !== 0 && this.reads === writes) || (this.writes !== 0 && this.writes === reads);
  }
}

function pipeAt(number: number, files: readonly Held[]): number {
  return inodeOf(files.find(({ fds }) => fds.includes(number)));
}

/** Of an anonymous pipe; 0: it is none. */
function inodeOf(file: Held | undefined): number {
  return file?.anonymous === true ? Number.parseInt(file.file.split(":")[1] ?? "", 16) : 0;
}

/** Whether nobody but a stand-in and we can read an anonymous pipe of its, now or later. */
export function isAlone(pid: number, file: Held): boolean {
  const inode = inodeOf(file);
  return inode !== 0 && !isReadByOthers(inode, [process.pid, pid], sessionOf(pid));
}

/**
 * Whether one of a program's pipes goes to another one than its parent, which does not have it open: not as its own output, as below
 * `make | tee`, and not to read what it started, as ninja does. (A shell has it open until it has started both.)
 */
export function isPiped(pid: number, pipes: readonly number[]): boolean {
  const parent = parentOf(pid);
  return pipes.some((inode) => !holdsPipe(parent, inode, [0, 1, 2]) && !holdsPipe(parent, inode));
}
