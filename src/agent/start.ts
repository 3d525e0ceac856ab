/** Starts a job's program with its descriptors on pipes and sockets of ours, or on the very files where they are here. */
import { closeSync, constants as fsConstants, fstatSync, openSync } from "node:fs";
import { join } from "node:path";
import { Leads, native, type SpawnOptions } from "../io/native.js";
import { packageRoot } from "../io/paths.js";
import { FileMode, type FileSource, FileUse, isRead, isWritten, type OpenFile } from "../mux/open-file.js";
import { type JobSpec, SpecFlag } from "../mux/spec.js";
import { withOurs } from "./environment.js";
import type { GuestPriority } from "./guests.js";

/** Our ends of one open file of the program. */
export interface End {
  /** The file's first descriptor in the program. */
  readonly name: number;
  readonly file: OpenFile;
  /** Where its input is written, and its own end, to see what it has read; -1 = none. */
  readonly feed: number;
  readonly theirs: number;
  /** Where its output is read; -1 = none. */
  readonly drain: number;
  /** The file that it reads itself; -1 = none. */
  readonly direct: number;
}

export interface Started {
  /** Pid, or -errno. */
  readonly pid: number;
  readonly holder: number;
  readonly report: number;
  readonly ends: readonly End[];
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
  const ends: End[] = [];
  const passing: number[] = [];
  const fds = new Array<number>(Math.max(3, ...spec.files.map((file) => (file.fds.at(-1) ?? 0) + 1))).fill(
    -1,
  );
  try {
    for (const file of spec.files) {
      const { end, fd, kept } = prepare(file);
      if (end !== undefined) ends.push(end);
      if (!kept) passing.push(fd);
      for (const at of file.fds) fds[at] = fd;
    }
  } catch {
    // No descriptor is left for a pipe.
    if (slot >= 0) native.slotRelease(slot);
    closeAll(ends);
    for (const fd of passing) native.close(fd);
    return { pid: -EMFILE, holder: 0, report: -1, ends: [] };
  }
  const held = native.spawnHeld(spawnOptions(spec, fds, slot, guests), PREX, leads(spec.flags));
  for (const fd of passing) native.close(fd);
  if (held.pid >= 0) return { ...held, ends };
  closeAll(ends);
  return { ...held, ends: [] };
}

/** How our end of an open file is read and written. */
export function kindOf({ use }: OpenFile): "pipe" | "socket" | "other" {
  if (use === FileUse.SOCKET) return "socket";
  return use === FileUse.TERMINAL ? "other" : "pipe";
}

interface Prepared {
  readonly end: End | undefined;
  /** The program's descriptor; `kept`: it is one of the end's too. */
  readonly fd: number;
  readonly kept: boolean;
}

/** @throws when no descriptor is left */
function prepare(file: OpenFile): Prepared {
  const name = file.fds[0] ?? -1;
  const none = { name, file, feed: -1, theirs: -1, drain: -1, direct: -1 };
  if (file.use === FileUse.NULL) {
    const access = isRead(file)
      ? isWritten(file)
        ? fsConstants.O_RDWR
        : fsConstants.O_RDONLY
      : fsConstants.O_WRONLY;
    const fd = native.openNull(access);
    if (fd < 0) throw new Error("no descriptor is left");
    return { end: undefined, fd, kept: false };
  }
  if (file.terminal !== undefined) {
    const [master, slave] = native.openTerminal(file.terminal);
    const drain = native.duplicate(master);
    if (drain < 0) throw new Error("no descriptor is left");
    return { end: { ...none, feed: master, drain }, fd: slave, kept: false };
  }
  if (file.source !== undefined) {
    const direct = openSame(file.source);
    if (direct >= 0) return { end: { ...none, direct }, fd: direct, kept: true };
  }
  const blocking = (file.mode & FileMode.NONBLOCK) === 0;
  if (file.use === FileUse.SOCKET) {
    const [ours, theirs] = native.socketPair();
    const drain = native.duplicate(ours);
    native.setBlocking(theirs, blocking);
    if (drain < 0) throw new Error("no descriptor is left");
    return { end: { ...none, feed: ours, theirs, drain }, fd: theirs, kept: true };
  }
  const [readEnd, writeEnd] = native.pipe();
  native.setBlocking(isRead(file) ? readEnd : writeEnd, blocking);
  if (isRead(file)) return { end: { ...none, feed: writeEnd, theirs: readEnd }, fd: readEnd, kept: true };
  return { end: { ...none, drain: readEnd }, fd: writeEnd, kept: false };
}

/** The file that home reads, where home's reader is in it; -1 when the one here is another. */
function openSame({ path, ino, size, mtimeNs, offset }: FileSource): number {
  const { O_RDONLY, O_NOCTTY, O_NONBLOCK } = fsConstants;
  let fd = -1;
  try {
    fd = openSync(path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
    const stat = fstatSync(fd, { bigint: true });
    const same = stat.isFile() && stat.ino === ino && stat.size === size && stat.mtimeNs === mtimeNs;
    native.setBlocking(fd, true);
    if (same && native.seek(fd, Number(offset)) === Number(offset)) return fd;
  } catch {
    // It is not there, or not for us: it comes from home.
  }
  if (fd >= 0) closeSync(fd);
  return -1;
}

function closeAll(ends: readonly End[]): void {
  for (const { feed, theirs, drain, direct } of ends)
    for (const fd of [feed, theirs, drain, direct]) if (fd >= 0) native.close(fd);
}

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
  fds: readonly number[],
  slot: number,
  guests: GuestPriority,
): SpawnOptions {
  const { path, argv, env, cwd, umask, ignored, blocked, rlimits } = spec;
  return {
    path,
    argv,
    env: withOurs(env).bytes,
    cwd,
    umask,
    fds,
    terminal: spec.files.find(({ use }) => use === FileUse.TERMINAL)?.fds[0] ?? -1,
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
