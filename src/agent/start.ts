/** Starts a job's program with its descriptors on pipes of ours. */
import { native, type SpawnOptions } from "../io/native.js";
import { FdUse, type JobSpec } from "../mux/spec.js";
import type { GuestPriority } from "./guests.js";

/** Our ends of the program's pipes; -1 = none. */
export interface Ends {
  /** Reading and writing end of stdin's pipe. */
  readonly input: readonly [number, number] | undefined;
  readonly output: number;
  readonly error: number;
}

export interface Started {
  /** Pid, or -errno. */
  readonly pid: number;
  readonly ends: Ends;
}

const EMFILE = 24;

/**
 * @param slot - pending slot to hand to the program, or -1
 * @param guests - what this host adds to the job's own priorities
 */
export function startProgram(spec: JobSpec, slot: number, guests: GuestPriority): Started {
  const theirs: number[] = [];
  const ours: number[] = [];
  const fds: [number, number, number] = [-1, -1, -1];
  let input: readonly [number, number] | undefined;
  let nullFd = -1;
  try {
    for (const fd of [0, 1, 2] as const) {
      const use = spec.fds[fd];
      if (use === FdUse.CLOSED) continue;
      if (use === FdUse.NULL) {
        if (nullFd < 0) theirs.push((nullFd = native.openNull()));
        fds[fd] = nullFd;
      } else if (use === FdUse.MERGED) {
        fds[fd] = fds[1];
      } else {
        const [readEnd, writeEnd] = native.pipe();
        ours.push(fd === 0 ? writeEnd : readEnd);
        if (fd === 0) {
          ours.push(readEnd);
          input = [readEnd, writeEnd];
        } else theirs.push(writeEnd);
        fds[fd] = fd === 0 ? readEnd : writeEnd;
        native.setBlocking(fds[fd], true);
      }
    }
    const pid = native.spawn(spawnOptions(spec, fds, slot, guests));
    if (pid < 0) for (const fd of ours) native.close(fd);
    const outputs = ours.filter((fd) => !(input?.includes(fd) ?? false));
    const output = isPiped(spec.fds[1]) ? (outputs.shift() ?? -1) : -1;
    const error = isPiped(spec.fds[2]) ? (outputs.shift() ?? -1) : -1;
    return { pid, ends: { input, output, error } };
  } catch {
    // No descriptor is left for a pipe.
    for (const fd of ours) native.close(fd);
    if (slot >= 0) native.slotRelease(slot);
    return { pid: -EMFILE, ends: { input: undefined, output: -1, error: -1 } };
  } finally {
    for (const fd of theirs) native.close(fd);
  }
}

const isPiped = (use: number): boolean => use === FdUse.STREAM || use === FdUse.TTY;

function spawnOptions(
  spec: JobSpec,
  fds: readonly [number, number, number],
  slot: number,
  guests: GuestPriority,
): SpawnOptions {
  const { path, argv, env, cwd, umask, ignored, blocked, rlimits } = spec;
  return {
    path,
    argv,
    env,
    cwd,
    umask,
    fds,
    session: true,
    deathSignal: true,
    ignored,
    blocked,
    nice: spec.nice + guests.nice,
    ioPriority: guests.ioPriority || spec.ioPriority,
    rlimits,
    slot,
  };
}
