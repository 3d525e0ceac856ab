/** Starts a job's program with its descriptors on pipes of ours. */
import { join } from "node:path";
import { Leads, native, type SpawnOptions } from "../io/native.js";
import { packageRoot } from "../io/paths.js";
import { FdUse, type JobSpec, SpecFlag } from "../mux/spec.js";
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
  readonly holder: number;
  readonly report: number;
  readonly ends: Ends;
}

const PREX = join(packageRoot, "build", "Release", "prex");
const SCHED_BATCH = 3;
const SCHED_IDLE = 5;

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
    const held = native.spawnHeld(spawnOptions(spec, fds, slot, guests), PREX, leads(spec.flags));
    if (held.pid < 0) for (const fd of ours) native.close(fd);
    const outputs = ours.filter((fd) => !(input?.includes(fd) ?? false));
    const output = isPiped(spec.fds[1]) ? (outputs.shift() ?? -1) : -1;
    const error = isPiped(spec.fds[2]) ? (outputs.shift() ?? -1) : -1;
    return { ...held, ends: { input, output, error } };
  } catch {
    // No descriptor is left for a pipe.
    for (const fd of ours) native.close(fd);
    if (slot >= 0) native.slotRelease(slot);
    return { pid: -EMFILE, holder: 0, report: -1, ends: { input: undefined, output: -1, error: -1 } };
  } finally {
    for (const fd of theirs) native.close(fd);
  }
}

const isPiped = (use: number): boolean => use === FdUse.STREAM || use === FdUse.TTY;

function leads(flags: number): number {
  if ((flags & SpecFlag.LEADS_SESSION) !== 0) return Leads.SESSION;
  return (flags & SpecFlag.LEADS_GROUP) !== 0 ? Leads.GROUP : Leads.NOTHING;
}

function policy(flags: number): number {
  if ((flags & SpecFlag.BATCH) !== 0) return SCHED_BATCH;
  return (flags & SpecFlag.IDLE) !== 0 ? SCHED_IDLE : 0;
}

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
    policy: policy(spec.flags),
    ioPriority: guests.ioPriority || spec.ioPriority,
    rlimits,
    slot,
  };
}
