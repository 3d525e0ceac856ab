/**
 * Programs that wait for each other through pipes. One that waits for a slot while its neighbour holds one, and cannot go on
 * without it, would wait for ever: here they would all have been started at once.
 */
import { fstatSync } from "node:fs";
import { native } from "../io/native.js";
import { holdsPipe, parentOf } from "../io/processes.js";
import type { Held } from "./descriptors.js";

/** Inodes of the anonymous pipes that a job has as stdin and stdout. */
export function pipesOf(files: readonly Held[]): number[] {
  const standard = files.filter(({ fds }) => fds.includes(0) || fds.includes(1));
  return standard
    .filter(({ kind, fd }) => kind === "pipe" && native.isAnonymous(fd))
    .map(({ fd }) => fstatSync(fd).ino);
}

/**
 * Whether one of a program's pipes goes to another one than its parent, which does not have it open: not as its own output, as below
 * `make | tee`, and not to read what it started, as ninja does. (A shell has it open until it has started both.)
 */
export function isPiped(pid: number, pipes: readonly number[]): boolean {
  if (pipes.length === 0) return false;
  const parent = parentOf(pid);
  return pipes.some((inode) => !holdsPipe(parent, inode, [0, 1, 2]) && !holdsPipe(parent, inode));
}
