/**
 * Programs that wait for each other through pipes. One that waits for a slot while its neighbour holds one, and cannot go on
 * without it, would wait for ever: here they would all have been started at once.
 */
import { fstatSync } from "node:fs";
import { native } from "../io/native.js";
import { holdsPipe, parentOf } from "../io/processes.js";
import type { Held } from "./descriptors.js";

/** Inode of the anonymous pipe that a job has as this descriptor; 0: it has none there. */
export function pipeAt(number: number, files: readonly Held[]): number {
  const file = files.find(({ fds }) => fds.includes(number));
  return file?.kind === "pipe" && native.isAnonymous(file.fd) ? fstatSync(file.fd).ino : 0;
}

/**
 * Whether one of a program's pipes goes to another one than its parent, which does not have it open: not as its own output, as below
 * `make | tee`, and not to read what it started, as ninja does. (A shell has it open until it has started both.)
 */
export function isPiped(pid: number, pipes: readonly number[]): boolean {
  const parent = parentOf(pid);
  return pipes.some((inode) => !holdsPipe(parent, inode, [0, 1, 2]) && !holdsPipe(parent, inode));
}
