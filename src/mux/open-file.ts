/** The caller's open files as a job's specification names them: what each is for the program, at which descriptors. */
import type { Buffer } from "node:buffer";
import type { Reader, Writer } from "./bytes.js";
import { LinkFault } from "./errors.js";

/**
 * What an open file is. `file`: a regular file that is read, by the program itself where it is the same one there.
 * `terminal`: one of the program's own there; `tty`: one that is only a stream. `tokens`: the pipe that hands out make's job tokens, whose bytes are anybody's who is first.
 */
export const FileUse = { NULL: 0, PIPE: 1, SOCKET: 2, FILE: 3, TOKENS: 4, TTY: 5, TERMINAL: 6 } as const;

/** As it was opened. */
export const FileMode = { READ: 1, WRITE: 2, NONBLOCK: 4 } as const;

/** Which regular file, and where its reader is in it. */
export interface FileSource {
  readonly path: Buffer;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly offset: bigint;
}

export interface OpenFile {
  /** One of FileUse. */
  readonly use: number;
  /** FileMode bits. */
  readonly mode: number;
  /** Descriptors that refer to it, ascending: the first one names it in frames. */
  readonly fds: readonly number[];
  /** With FILE only. */
  readonly source: FileSource | undefined;
  /** With TERMINAL only: settings and size of the one at home. */
  readonly terminal: Buffer | undefined;
}

export const TERMINAL_SIZE = 44;
/** Descriptors of a job, in all. */
export const FDS_MAX = 16;

export const isRead = (file: OpenFile): boolean => (file.mode & FileMode.READ) !== 0;
export const isWritten = (file: OpenFile): boolean => (file.mode & FileMode.WRITE) !== 0;

/** Names of the open files whose bytes go to the program, and of those whose bytes come from it. */
export function directions(files: readonly OpenFile[]): { inputs: number[]; outputs: number[] } {
  const carried = files.filter(({ use }) => use !== FileUse.NULL);
  const names = (some: readonly OpenFile[]): number[] => some.flatMap(({ fds }) => fds.slice(0, 1));
  return { inputs: names(carried.filter(isRead)), outputs: names(carried.filter(isWritten)) };
}

export function encodeFiles(w: Writer, files: readonly OpenFile[]): void {
  w.u8(files.length);
  for (const { use, mode, fds, source, terminal } of files) {
    w.u8(use).u8(mode).u8(fds.length);
    for (const fd of fds) w.u8(fd);
    if (terminal !== undefined) w.raw(terminal);
    if (source === undefined) continue;
    w.string(source.path).u64(source.ino).u64(source.size).u64(source.mtimeNs).u64(source.offset);
  }
}

/** @throws {LinkFault} */
export function decodeFiles(r: Reader): OpenFile[] {
  const taken = new Set<number>();
  const files: OpenFile[] = [];
  for (let count = r.u8(); count > 0; count--) {
    const use = r.u8();
    const mode = r.u8();
    if (!allowed(use, mode)) throw new LinkFault("content", `an open file of kind ${use}, opened as ${mode}`);
    const fds = Array.from({ length: Math.min(r.u8(), FDS_MAX + 1) }, () => r.u8());
    for (const [i, fd] of fds.entries()) {
      if (taken.has(fd) || fd < (fds[i - 1] ?? 0))
        throw new LinkFault("content", `descriptor ${fd} twice, or out of order`);
      taken.add(fd);
    }
    if (fds.length === 0 || taken.size > FDS_MAX) throw new LinkFault("content", `${taken.size} descriptors`);
    files.push({
      use,
      mode,
      fds,
      source: use === FileUse.FILE ? decodeSource(r) : undefined,
      terminal: use === FileUse.TERMINAL ? r.raw(TERMINAL_SIZE) : undefined,
    });
  }
  return files;
}

function decodeSource(r: Reader): FileSource {
  const path = r.string();
  if (path[0] !== 0x2f || path.includes(0)) throw new LinkFault("content", "not an absolute path");
  return { path, ino: r.u64(), size: r.u64(), mtimeNs: r.u64(), offset: r.u64() };
}

function allowed(use: number, mode: number): boolean {
  const { READ, WRITE, NONBLOCK } = FileMode;
  const way = mode & ~NONBLOCK;
  if (use === FileUse.NULL) return way >= READ && way <= (READ | WRITE);
  if (use === FileUse.SOCKET || use === FileUse.TERMINAL) return way === (READ | WRITE);
  if (use === FileUse.FILE || use === FileUse.TOKENS) return way === READ;
  return (use === FileUse.PIPE || use === FileUse.TTY) && (way === READ || way === WRITE);
}
