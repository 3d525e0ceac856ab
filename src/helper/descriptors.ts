/** The caller's open files, as they came with a job: which of its descriptors are one, and how each can be carried. */
import { fstatSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { type Examined, type FdKind, native } from "../io/native.js";
import type { Environment } from "../mux/environment.js";
import { FileMode, type FileSource, FileUse, isRead, isWritten, type OpenFile } from "../mux/open-file.js";
import { type Jobserver, jobserversOf } from "./jobserver.js";

/** An open file of the caller that prexd holds while the job runs. */
export interface Held extends OpenFile {
  /** In the program, the first of `fds`. */
  readonly name: number;
  /** Ours. */
  readonly fd: number;
  /** The same, for reading: a number of its own where it is written too, since each number has one watch. */
  readonly readFd: number;
  readonly kind: FdKind;
  /** Which file it is, and whether that is a pipe without a name (Examined in src/io/native.ts). */
  readonly file: string;
  readonly anonymous: boolean;
}

type Carried = Omit<Held, "readFd">;

interface Came extends Examined {
  readonly number: number;
  readonly fd: number;
}

const O_ACCMODE = 3;
const O_RDONLY = 0;
const O_WRONLY = 1;
const O_NONBLOCK = 0o4000;
const OPOST = 1;
const ISIG = 1;
const ICANON = 2;
const ECHO = 8;
const O_PATH = 0o10000000;
const SLASH = 0x2f;
/** Arguments beyond so many are not looked at: a look takes 2 us. */
const ARGS_MAX = 256;

export class Descriptors {
  readonly held: readonly Held[];
  /** Where make's job tokens are given back. */
  readonly tokensBack: Held | undefined;
  /** Why they cannot be carried; empty when they can. */
  readonly unfit: string;
  private readonly open = new Map<number, number>();
  private readonly reading = new Map<number, number>();

  /**
   * @param numbers - in the program, ascending, of our `fds`
   * @param terminal - it is in the foreground of the terminal that is its stdin and stdout
   */
  constructor(numbers: readonly number[], fds: readonly number[], env: Environment, terminal: boolean) {
    const came = fds.map((fd, i) => ({ number: numbers[i] ?? -1, fd, ...native.examine(fd) }));
    const tokens = jobserversOf(env).find((server) => isThere(server, came));
    const held: Held[] = [];
    let unfit = "";
    for (const group of grouped(came, terminal)) {
      const [first, ...others] = group;
      if (first === undefined) continue;
      for (const { fd } of others) native.close(fd);
      this.open.set(first.number, first.fd);
      const file = carriage(
        first,
        group.map(({ number }) => number),
        tokens,
      );
      if (file === undefined) unfit ||= `descriptor ${first.number}: ${what(first)}`;
      else {
        const readFd = isRead(file) && isWritten(file) ? native.duplicate(first.fd) : first.fd;
        if (readFd < 0) unfit ||= `no descriptor is left (errno ${-readFd})`;
        else if (readFd !== first.fd) this.reading.set(first.number, readFd);
        held.push({ ...file, readFd });
      }
    }
    this.held = held;
    this.tokensBack = held.find(({ kind, fds: at }) => kind === "pipe" && at.includes(tokens?.write ?? -1));
    this.unfit = unfit || conflict(held);
  }

  private get written(): Held[] {
    return this.held.filter(({ kind, mode }) => kind === "file" && (mode & FileMode.WRITE) !== 0);
  }

  /** Whether what goes through some descriptor ends in a file. */
  get writesFile(): boolean {
    return this.written.length > 0;
  }

  /** Whether an argument names a file that a descriptor writes: `cat f >> f` sees it and stops, but not in a pipe. */
  writes(cwd: Buffer, args: readonly Buffer[]): boolean {
    const { written } = this;
    if (written.length === 0) return false;
    const files = new Set(written.map(identity));
    return args.slice(0, ARGS_MAX).some((arg) => {
      const path = arg[0] === SLASH ? arg : Buffer.concat([cwd, Buffer.from("/"), arg]);
      try {
        const stat = arg.length > 0 ? statSync(path, { throwIfNoEntry: false }) : undefined;
        return stat !== undefined && files.has(`${stat.dev}:${stat.ino}`);
      } catch {
        return false; // No path: too long, or not to be looked at.
      }
    });
  }

  close(name: number): void {
    const fd = this.open.get(name);
    if (fd === undefined) return;
    this.open.delete(name);
    native.close(fd);
    const readFd = this.reading.get(name);
    if (readFd !== undefined) native.close(readFd);
    this.reading.delete(name);
  }

  /** Gives the caller's terminal the settings that it had, unless a shell has done so, or set its own. */
  restore(): void {
    for (const { fd, terminal } of this.held) {
      const now = terminal && native.terminalState(fd);
      if (terminal !== undefined && now && isRaw(now)) native.setTerminal(fd, terminal);
    }
  }

  closeAll(): void {
    for (const name of [...this.open.keys()]) this.close(name);
  }
}

/** Whether its descriptors came along, and are the two ends of one pipe. */
function isThere({ read, write }: Jobserver, came: readonly Came[]): boolean {
  const end = (wanted: number, access: number): Came | undefined =>
    came.find(
      ({ number, kind, flags }) => number === wanted && kind === "pipe" && (flags & O_ACCMODE) === access,
    );
  const [from, to] = [end(read, O_RDONLY), end(write, O_WRONLY)];
  return from !== undefined && from.file === to?.file;
}

function grouped(came: readonly Came[], terminal: boolean): Came[][] {
  const groups: Came[][] = [];
  for (const one of came) {
    const group = groups.find(([first]) => first !== undefined && isOneFile(first, one, terminal));
    if (group === undefined) groups.push([one]);
    else group.push(one);
  }
  return groups;
}

/** The same open file, or one as good as that: what is written to a pipe that was opened twice keeps its order. */
function isOneFile(a: Came, b: Came, terminal: boolean): boolean {
  if (a.kind !== b.kind || a.kind === "null") return false;
  // Without one of its own there, a terminal is read from one stream and written by another.
  if (a.kind === "tty" && !terminal && (a.number === 0) !== (b.number === 0)) return false;
  const same = native.isSameOpen(a.fd, b.fd);
  if (same === 1) return true;
  try {
    if (a.file === "" || a.file !== b.file) return false;
    if (a.kind === "tty") return true;
    if (a.kind === "pipe" && ((a.flags ^ b.flags) & (O_ACCMODE | O_NONBLOCK)) === 0) return true;
    if (same >= 0) return false;
    const info = ({ fd }: Came): string => readFileSync(`/proc/self/fdinfo/${fd}`, "latin1");
    return info(a) === info(b);
  } catch {
    return false;
  }
}

/** As the stand-in sets it: neither lines nor signals nor echo, and output as it is. */
function isRaw(state: Buffer): boolean {
  const [output, local] = [state.readUInt32LE(4), state.readUInt32LE(12)];
  return (output & OPOST) === 0 && (local & (ISIG | ICANON | ECHO)) === 0;
}

/** How one open file is carried; undefined when it cannot be. */
function carriage(came: Came, fds: readonly number[], tokens: Jobserver | undefined): Carried | undefined {
  const { number: name, fd, kind, flags, file, anonymous } = came;
  const access = flags & O_ACCMODE;
  if (flags < 0 || (flags & O_PATH) !== 0) return undefined;
  const way =
    access === O_RDONLY
      ? FileMode.READ
      : access === O_WRONLY
        ? FileMode.WRITE
        : FileMode.READ | FileMode.WRITE;
  const mode = way | ((flags & O_NONBLOCK) !== 0 ? FileMode.NONBLOCK : 0);
  const base = { name, fd, kind, file, anonymous, fds, mode, source: undefined, terminal: undefined };
  const onlyWay = (wanted: number): number => (mode & FileMode.NONBLOCK) | wanted;
  if (kind === "null") return { ...base, use: FileUse.NULL };
  if (kind === "socket") return { ...base, use: FileUse.SOCKET };
  if (kind === "pipe" && access !== O_RDONLY && access !== O_WRONLY) return undefined;
  if (kind === "pipe")
    return { ...base, use: fds.includes(tokens?.read ?? -1) ? FileUse.TOKENS : FileUse.PIPE };
  if (kind === "tty" && fds.includes(0) && fds.includes(1)) {
    const state = native.terminalState(fd) ?? undefined;
    return (
      state && {
        ...base,
        use: FileUse.TERMINAL,
        mode: onlyWay(FileMode.READ | FileMode.WRITE),
        terminal: state,
      }
    );
  }
  if (kind === "tty" && fds.every((n) => n <= 2))
    return { ...base, use: FileUse.TTY, mode: onlyWay(name === 0 ? FileMode.READ : FileMode.WRITE) };
  if (kind !== "file") return undefined;
  const both = access !== O_RDONLY && access !== O_WRONLY;
  // One opened for both: nobody reads from stdout, or writes to stdin, as long as they are apart.
  if (both && (fds.some((n) => n > 2) || (name === 0 && fds.length > 1))) return undefined;
  const reading = both ? name === 0 : access === O_RDONLY;
  if (!reading) return { ...base, use: FileUse.PIPE, mode: onlyWay(FileMode.WRITE) };
  const source = sourceOf(fd);
  const use = source === undefined ? FileUse.PIPE : FileUse.FILE;
  return { ...base, use, mode: onlyWay(FileMode.READ), source };
}

/** Undefined: it has no name any more, or is no regular file. */
function sourceOf(fd: number): FileSource | undefined {
  try {
    const stat = fstatSync(fd, { bigint: true });
    const { ino, size, mtimeNs } = stat;
    const offset = native.seek(fd, -1);
    if (!stat.isFile() || stat.nlink === 0n || offset < 0) return undefined;
    const path = readlinkSync(`/proc/self/fd/${fd}`, { encoding: "buffer" });
    return { path, ino, size, mtimeNs, offset: BigInt(offset) };
  } catch {
    return undefined;
  }
}

function identity({ fd }: { readonly fd: number }): string {
  const { dev, ino } = fstatSync(fd);
  return `${dev}:${ino}`;
}

/** What several of them together rule out; empty: nothing. */
function conflict(held: readonly Held[]): string {
  const inode = ({ file }: Held): string => file;
  const files = held.filter(({ kind }) => kind === "file");
  const read = new Set(files.filter(({ mode }) => (mode & FileMode.READ) !== 0).map(inode));
  const written = files.filter(({ mode }) => (mode & FileMode.WRITE) !== 0);
  // `cat < f >> f` sees that they are one file, and stops.
  if (written.some((file) => read.has(inode(file)))) return "one file is read and written";
  const pipes = held.filter(({ kind, use }) => kind === "pipe" && use !== FileUse.TOKENS);
  const ends = new Set(pipes.filter(({ mode }) => (mode & FileMode.READ) !== 0).map(inode));
  const both = pipes.find((pipe) => (pipe.mode & FileMode.WRITE) !== 0 && ends.has(inode(pipe)));
  if (both !== undefined) return `descriptor ${both.name} is the other end of another one`;
  const reads = pipes.filter(({ mode }) => (mode & FileMode.READ) !== 0);
  if (reads.length > ends.size) return "one pipe is opened for reading twice";
  return "";
}

/** What lies behind a descriptor, in a word. */
function what({ fd, kind }: Came): string {
  try {
    const name = readlinkSync(`/proc/self/fd/${fd}`);
    if (name.startsWith("anon_inode:")) return name.slice(11).replace(/[[\]]/g, "");
    return kind === "other" ? (fstatSync(fd).isDirectory() ? "a directory" : name) : `a ${kind}`;
  } catch {
    return kind;
  }
}
