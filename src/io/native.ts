/**
 * The only door to the addon (native/addon). Numbers that are results of system calls follow one rule: negative
 * means -errno. Programming errors (wrong types) throw.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Bits of epoll(7), as reported to a watcher. */
export const IN = 1;
export const OUT = 4;
export const ERR = 8;
export const HUP = 16;
/** With IN or OUT: edge-triggered. For whoever has looked at all that is there and waits for more to be added. */
export const EDGE = 0x8000_0000;

/** What lies behind a descriptor, since each kind is pumped in its own way. `closed`: not open. */
export type FdKind = "pipe" | "socket" | "tty" | "file" | "null" | "other" | "closed";

export interface PeerCred {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** Supplementary. */
  readonly groups: readonly number[];
}

/** A program to start. Strings that came from another process stay bytes. */
export interface SpawnOptions {
  /** Absolute path of the program. */
  readonly path: Buffer;
  readonly argv: readonly Buffer[];
  /** Byte strings, each after its length (uint32), as src/mux/environment.ts has them. */
  readonly env: Buffer;
  readonly cwd: Buffer;
  readonly umask: number;
  /** Become descriptors 0, 1, 2, ... of the program, 256 at most; -1 = closed there. Nothing else is inherited. */
  readonly fds: readonly number[];
  /** Which of `fds` is to be the session's terminal; -1 = it has none. */
  readonly terminal: number;
  /** A session of its own (setsid); its leader is the program. */
  readonly session: boolean;
  /** SIGKILL to the program when the thread that started it dies. */
  readonly deathSignal: boolean;
  /** Bit n-1: signal n is ignored / blocked in the program; every other one is default / unblocked. */
  readonly ignored: bigint;
  readonly blocked: bigint;
  /** Nice value to add (0 = none); failing to set it is not an error. */
  readonly nice: number;
  /** I/O class and level as ioprio_set(2) takes them (0 = as they come); failing to set them is not an error. */
  readonly ioPriority: number;
  /** Soft and hard limits by RLIMIT_ number, lowered only as far as permitted; ~0n = unlimited. Empty = leave. */
  readonly rlimits: readonly (readonly [bigint, bigint])[];
  /** SCHED_BATCH (3), SCHED_IDLE (5), or 0 = as it comes; failing to set it is not an error. */
  readonly policy: number;
  /** Index of a pending slot of ours to hand to the program's pid, or -1. Freed by us when the spawn fails. */
  readonly slot: number;
}

/** What a program leads: nothing, its process group, its session; enum relation in native/prex/prex.h. */
export const Leads = { NOTHING: 0, GROUP: 1, SESSION: 2 } as const;

/** A program below a holder of its own (native/prex/hold.c). */
export interface Held {
  /** Of the program; or -errno, and the rest means nothing. */
  readonly pid: number;
  /** Our child: it leads the session, holds the slot, and ends as the program ends. */
  readonly holder: number;
  /** Pipe, non-blocking: an i32 for each signal that stopped the program. */
  readonly report: number;
}

/** How a program ended, as wait4(2) says. */
export interface WaitResult {
  /** Raw wait status. */
  readonly status: number;
  readonly userUs: number;
  readonly systemUs: number;
  /** Peak resident memory, KiB; at least that of the process that started the program, as the kernel counts it. */
  readonly maxRssKb: number;
  /** Blocks read and written. */
  readonly inBlocks: number;
  readonly outBlocks: number;
}

export interface WhyRecord {
  readonly pid: number;
  readonly uid: number;
  readonly where: number;
  readonly reason: number;
  readonly index: number;
  readonly durationMs: number;
  readonly status: number;
  readonly host: string;
  readonly program: string;
  readonly detail: string;
}

/** What lies behind a descriptor. */
export interface Examined {
  readonly kind: FdKind;
  /** F_GETFL, or -errno. */
  readonly flags: number;
  /** Device, inode and device number, in hexadecimal and between colons, to be compared; empty when it is closed. */
  readonly file: string;
  /** A pipe without a name, so that nobody can open it anew. */
  readonly anonymous: boolean;
}

export interface RelayNews {
  /** 0: a source has nothing more; 1: a sink cannot be written; 2: nothing waits to be sent; 3: the link is over; 4: nothing is read. */
  readonly what: number;
  readonly stream: number;
  readonly fd: number;
  /** errno, 0 = none. */
  readonly error: number;
}

/** What became of a descriptor that was lent. */
export interface RelayRest {
  readonly count: number;
  readonly remaining: number;
  readonly bytes: Buffer;
}

export interface Native {
  // -- readiness: one epoll instance, watched by the event loop; never sets O_NONBLOCK on anything
  /**
   * Call back, level-triggered, while any of `events` (or ERR, HUP) holds; calling again changes events and callback.
   * HUP may come without IN (read then gives 0), and comes again and again until unwatched. What cannot be polled (files, /dev/null) is always ready: -EPERM.
   * Keeps the event loop alive. What a callback throws is an uncaught exception.
   */
  watch(fd: number, events: number, callback: (events: number) => void): number;
  unwatch(fd: number): void;

  // -- folders: inotify(7), on whichever file system
  /**
   * Notes from now on which files in a folder programs of this host write and close, or set attributes of. A number, the
   * same one for the same folder; -ENOTDIR, -ENOSPC when too many are watched.
   */
  watchFolder(path: Buffer): number;
  unwatchFolder(folder: number): void;
  /** What happened since the last call, as far as the kernel keeps it. */
  changedFiles(): { folder: number; name: Buffer }[];
  /** Size of a file as the server of its file system has it now, whatever our kernel has cached. Follows no link. */
  sizeNow(path: Buffer): number;

  // -- a thread that speaks for this process while its main thread is held up in a system call, by a file server that does not
  // answer; not while it runs, or waits for events
  /** Says `words` on a descriptor of ours about every `everyMs`, while we are held up. At once, as write(2) with O_NONBLOCK does. */
  vigilJoin(fd: number, words: Buffer, everyMs: number): number;
  /** Before the descriptor is closed. */
  vigilLeave(fd: number): void;
  /** From now on nothing is said there: we are going to write, ... */
  vigilHold(fd: number): void;
  /** ... and have written something whole. */
  vigilRelease(fd: number): void;
  /** We are not held up; to be called every second. @param silentMs - nothing has come in for so long on what is guarded */
  vigilTick(silentMs: number): void;
  /** Ends us by SIGKILL once we are held up and nothing has come in on a descriptor for so long, or nothing can come any more. */
  vigilGuard(fd: number, silentMs: number): number;
  /** Whoever connects there is sent a byte while we are held up, and else nothing. Before it is closed: -1. */
  vigilListen(listener: number): number;

  // -- a thread that carries what streams through links (native/addon/relay.h); the only user is src/io/relay.ts
  /** Starts it. An eventfd for watch(), IN | EDGE: some link has news. */
  relayStart(): number;
  /**
   * Lends a link's descriptors, and the ends of a pipe. `rest`: bytes to come of the frame in whose middle we are; `first` is sent before
   * all else. A number for the link.
   */
  relayOpen(
    input: number,
    output: number,
    transitOut: number,
    transitIn: number,
    rest: number,
    first: Buffer,
  ): number;
  relayClose(link: number): void;
  /** Closes it if nothing streams and both directions are between two frames; false: it goes on. */
  relayLeave(link: number): boolean;
  /** Sends whole frames. Bytes that wait then; ROOM comes when none do any more. */
  relaySend(link: number, pieces: readonly Buffer[]): number;
  /** Frames that came and are not the thread's, and what happened. */
  relayTake(link: number): { bytes: Buffer; news: RelayNews[] };
  /** Since something came in. */
  relaySilentMs(link: number): number;
  /** Sends what comes out of a pipe (`at` -1), or of a file from `at` on, within the allowance, as DATA. */
  relaySource(
    link: number,
    stream: number,
    fd: number,
    from: number,
    at: number,
    allowance: number,
    most: number,
  ): number;
  /** Bytes that were sent, and the allowance that is left. */
  relayEndSource(link: number, stream: number, fd: number): RelayRest;
  /** More may be sent. -EPROTO: more than `most`. */
  relayCredit(link: number, stream: number, fd: number, count: number): number;
  /**
   * Puts `first`, then DATA into a pipe or file, and sends credit for it in batches. -EAGAIN: take first what came; nothing more does once there is
   * news of that, QUIET, until relayGo.
   */
  relaySink(
    link: number,
    stream: number,
    fd: number,
    to: number,
    window: number,
    batch: number,
    owed: number,
    first: Buffer,
  ): number;
  relayGo(link: number): void;
  /** Has nothing more read from the next frame on, until relayGo; QUIET comes when so. */
  relayHush(link: number): void;
  /** Bytes that were delivered, and those that wait. */
  relaySunk(link: number, stream: number, fd: number): { count: number; waiting: number };
  /** Bytes that were delivered, those of them for which no credit has gone out, and what waits. */
  relayEndSink(link: number, stream: number, fd: number): RelayRest;

  // -- unix sockets
  /** Bind (mode 0600 or 0666), listen, non-blocking, close-on-exec. A path in use: -EADDRINUSE. */
  listenUnix(path: string, mode: number): number;
  /** Non-blocking connect to a listening unix socket. */
  connectUnix(path: string): number;
  accept(fd: number): number;
  peerCred(fd: number): PeerCred | null;
  /** recvmsg without blocking; received descriptors are close-on-exec, in order. n = 0 is end of file. */
  receive(fd: number, into: Buffer): { n: number; fds: number[] };
  /** send without blocking or SIGPIPE. Returns bytes taken. */
  send(fd: number, data: Buffer): number;
  /** Unwatches, and closes. What was watched must be closed here and nowhere else. */
  close(fd: number): void;

  // -- somebody else's descriptors: flags of the shared description are never changed, and nothing blocks
  examine(fd: number): Examined;
  /** FIONREAD, or -errno. */
  readable(fd: number): number;
  /**
   * Look at up to `into.length` bytes starting `skip` bytes ahead without taking them (tee for pipes, MSG_PEEK for
   * sockets, pread at the offset for files). 0 = end of file, -EAGAIN = nothing now. A tty cannot be peeked: -ENOTSUP.
   */
  peek(fd: number, kind: FdKind, skip: number, into: Buffer): number;
  /** Take up to `count` bytes that were peeked (splice, recv, lseek). Returns how many were there, or -EAGAIN when none. */
  consume(fd: number, kind: FdKind, count: number): number;
  /** Read what is there now (ttys: through a non-blocking reopened description). */
  read(fd: number, kind: FdKind, into: Buffer): number;
  /**
   * Write what fits now; the rest was not taken. Pipes and ttys reopened (pipes of another user by splice, sixteen
   * writes at most ahead of their reader), sockets by MSG_DONTWAIT, files plainly. Never raises SIGPIPE: -EPIPE.
   */
  write(fd: number, kind: FdKind, data: Buffer): number;
  /** Read from and write to a non-blocking description that is ours: plain read(2), and writev(2) of 64 pieces at most. */
  readOwn(fd: number, into: Buffer): number;
  writeOwn(fd: number, pieces: readonly Buffer[]): number;
  /** A non-blocking description of our own of the same pipe or tty; -errno where that is not permitted; -ENXIO: nobody reads the pipe. */
  reopen(fd: number): number;
  /** A timer for watch(): an edge (IN) so many µs, less than a second, after each `arm`. */
  timer(): number;
  arm(timer: number, us: number): number;
  /** Makes a pipe hold so many bytes, or a socket what is written to it, where that is less and permitted. Returns what it holds, or -errno. */
  widen(fd: number, bytes: number): number;
  /** Pipe of our own, both ends non-blocking for us and close-on-exec: [read, write] ... */
  pipe(): [number, number];
  /** ... so that the far end given to a program must be made blocking again first. */
  setBlocking(fd: number, blocking: boolean): void;
  /** Two connected stream sockets, both non-blocking and close-on-exec. */
  socketPair(): [number, number];
  /** /dev/null, opened as O_ACCMODE of `flags` says, close-on-exec. */
  openNull(flags: number): number;
  /** Settings (36 bytes) and window size (8) of a terminal, for the kernel alone to understand; null: it is none. */
  terminalState(fd: number): Buffer | null;
  setTerminal(fd: number, state: Buffer): number;
  /** @param window - the last 8 bytes of a state */
  setWindow(fd: number, window: Buffer): number;
  /** A new terminal in that state: [master (non-blocking), slave], close-on-exec. Throws when there can be none. */
  openTerminal(state: Buffer): [number, number];
  /** The same open file once more, close-on-exec. */
  duplicate(fd: number): number;
  /** 1: both are one open file (they share its offset and flags); 0: not; -errno where the kernel does not tell. */
  isSameOpen(a: number, b: number): number;
  /** Sets the offset that all users of an open file share; a negative one only asks. Returns it, or -errno. */
  seek(fd: number, offset: number): number;
  /** Ends one direction of a socket. */
  shutdown(fd: number, writing: boolean): number;

  // -- processes
  /**
   * Start a program without copying this process (vfork). Returns its pid, or -errno of the step that failed (chdir,
   * exec, ...); a NUL inside a string is -EINVAL. It holds `slot` before its first instruction.
   */
  spawn(options: SpawnOptions): number;
  /** The same below a holder, for which `prex` is started; `session` is ignored. Slots: as with spawn(). */
  spawnHeld(options: SpawnOptions, prex: string, leads: number): Held;
  /**
   * Call back once when the child has ended; it is reaped with its real status. Never calls before it has returned.
   * -ECHILD: no such child; -EMFILE: nothing to watch it with.
   */
  onExit(pid: number, callback: (result: WaitResult) => void): number;
  /**
   * Reaps ended processes that were reparented to us (subreaper), for SIGCHLD to call. Leaves alone those started
   * with spawn() and those in `exclude`: pids of node:child_process, whose status libuv waits for. Returns how many.
   */
  reapOrphans(exclude: readonly number[]): number;
  /** A pidfd of any process, close-on-exec: readable (IN) once it has ended. */
  pidfd(pid: number): number;
  /** I/O class and level of a process as ioprio_get(2) tells them. */
  ioPriority(pid: number): number;
  /** Stop signal if the child has stopped, -1 if it went on, 0 if neither since the last call. Does not reap. */
  stopState(pid: number): number;
  kill(pid: number, signal: number): number;
  /**
   * Signals every process of a session and all their descendants, as far as /proc tells; before SIGKILL all
   * are stopped, so that none forks on. The leader itself only if `leaderToo`. Returns how many.
   */
  killSession(sid: number, signal: number, leaderToo: boolean): number;
  setSubreaper(): number;
  setDeathSignal(signal: number): number;
  setProcessName(name: string): void;

  // -- the slot table (native/include/pants.h)
  /** Map the table; made (mode, total) when `total` > 0, else it must exist. -EINVAL: another version, or no table. */
  tableOpen(path: string, total: number, mode: number): number;
  tableClose(): void;
  tableTotal(): number;
  tableSetTotal(total: number): void;
  /** Programs that may run here beside the slots. */
  tableSetBeside(beside: number): void;
  /** For so long, ms, whoever starts a marked program asks prexd also when a slot is free; at most 3 s, 0: no more. */
  tableQueueFirst(ms: number): void;
  /** Take a free slot as pending, for us to hand to a child; -1 when none. */
  slotTake(guest: boolean): number;
  slotRelease(index: number): void;
  /** Release the slot held by a pid, if any. */
  slotReleasePid(pid: number): void;
  /**
   * Slots taken by living processes among `total`, and how many of them are guests; programs that run beside them, and
   * how many may. Frees the dead ones.
   */
  slotCounts(): { taken: number; guests: number; beside: number; besideTotal: number };
  slotWords(): { pid: number; lent: number; pending: boolean; guest: boolean }[];
  why(record: WhyRecord): void;
  /** Newest first. */
  whyRead(count: number): (WhyRecord & { seq: number; timeNs: bigint })[];

  // -- clock and host
  /** CLOCK_BOOTTIME. */
  bootTimeNs(): bigint;
  /** flock(LOCK_EX | LOCK_NB) on a file made with mode 0600, close-on-exec; fd, or -EWOULDBLOCK. */
  lockFile(path: string): number;
  /** One pwrite at offset 0. */
  writeRecord(fd: number, data: Buffer): number;
}

const require = createRequire(import.meta.url);

function load(): Native {
  const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
  const path = join(root, "build", "Release", "pants.node");
  try {
    const bindings = require("bindings") as (options: object) => Native;
    return bindings({ bindings: "pants", module_root: root });
  } catch (error) {
    throw new Error(`cannot load the addon ${path}: run \`make\` in ${root}`, { cause: error });
  }
}

export const native: Native = load();
