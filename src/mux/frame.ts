/**
 * Frames of a link: a 12-byte header (type u8, flags u8, reserved u16 = 0, stream u32, length u32, little-endian), then
 * `length` bytes of payload. Stream 0 is the link itself, every other one is a job, numbered by home.
 */
import type { Buffer } from "node:buffer";

export const HEADER_SIZE = 12;
/** Largest payload of one frame, and ... */
export const PAYLOAD_MAX = 64 * 1024;
/** ... of one with data that the kernel moves. */
export const MOVED_MAX = 256 * 1024;
/** Bytes that may be on their way for one descriptor of a program's output, and ... */
export const WINDOW = 256 * 1024;
/** ... once much comes and is taken fast, and ... */
export const WIDE_WINDOW = 2 * 1024 * 1024;
/** ... of its input: as much as a pipe holds. They come back as credit once the program has read them; after TAKEN, once they are delivered. */
export const INPUT_WINDOW = 1024 * 1024;
/** Largest job specification, spread over several OPEN frames. */
export const SPEC_MAX = 8 * 1024 * 1024;
/** Highest descriptor that a job carries. */
export const FD_MAX = 255;
/** Jobs that one link carries at a time. */
export const STREAMS_MAX = 4096;

export const Type = {
  // the link itself
  /** Nothing to say, but alive. */
  PING: 1,
  /** Home needs the link no longer. */
  BYE: 2,
  /** Home asks whether another link's agent, and all it started, is gone. Payload: link id. */
  DEAD: 3,
  /** Payload: 1 = gone, 0 = not certain; then the link id. */
  DEAD_ANSWER: 4,
  // home to agent
  /** A part of a job specification; flag MORE: not the last one. */
  OPEN: 16,
  /** u32: signal number, | 0x100 when it is for the whole session. */
  SIGNAL: 17,
  /** The stand-in is gone: end the job and all it started. */
  KILL: 18,
  /** Answer to ASK: u8 what, u16 claim, then the token's name, the file system's source, or a hash. */
  TELL: 19,
  /** Size of the terminal's window, as the kernel keeps it; flags: descriptor. */
  WINDOW: 20,
  /** Home has a better place for the job: refuse it, if it has not been started. */
  WITHDRAW: 21,
  /** What is sent of this input is taken from the caller: credit for it when it is delivered; flags: descriptor. */
  TAKEN: 22,
  // agent to home
  /** Nothing was started. u8 reason, then text. */
  REFUSE: 32,
  /** How the program ended; every byte that it wrote before has been sent. */
  STATUS: 33,
  /** u32: the program was stopped by this signal. */
  STOPPED: 34,
  /** The agent needs to know more about a claim: u8 what, u16 claim. */
  ASK: 35,
  /** The token is not needed any more: u16 claim. */
  SEEN: 36,
  /** Last frame of a stream. */
  CLOSE: 37,
  /** u64: where the program's reading of a file ended; after TAKEN, how much the program has read; flags: descriptor. */
  OFFSET: 38,
  /** Bytes of a descriptor that the program did not want; flags: descriptor. */
  RETURN: 39,
  /** The program said that it writes no more to a socket that is still open; flags: descriptor. */
  SHUT: 40,
  // both ways; flags: descriptor
  DATA: 48,
  /** End of file. */
  EOF: 49,
  /** u32: bytes handed on by the receiver (stdin: read by the program). */
  CREDIT: 50,
  /** Nobody will read this descriptor any more. */
  READER_GONE: 51,
} as const;
export type FrameType = (typeof Type)[keyof typeof Type];

/** Flag of OPEN: the specification goes on in the next frame. */
export const MORE = 1;

export interface Frame {
  readonly type: FrameType;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** Why an agent does not start a job. */
export const Refusal = {
  FULL: 1,
  NO_PANTSD: 2,
  COMPAT: 3,
  DIRECTORY: 4,
  PROGRAM: 5,
  PATH: 6,
  SPAWN: 7,
  WITHDRAWN: 8,
  /** It has slots, and not the memory that this job takes. */
  MEMORY: 9,
} as const;

/** What an agent may ASK about a claim. The last two are asked once a token was seen: home is to write to it. */
export const Ask = {
  TOKEN: 1,
  HASH: 2,
  /** The agent has written a byte to it, which home must see. */
  WRITTEN: 3,
  /** The agent may not write there. */
  UNWRITABLE: 4,
} as const;
/** What home may TELL. */
export const Tell = {
  /** The name of a token file. */
  TOKEN: 1,
  /** SHA-256 of a content. */
  HASH: 2,
  /** Type and source of a file system. */
  MOUNT: 3,
  NOTHING: 4,
  /** u8: how long the token is now; home's type of file system. */
  LENGTH: 5,
  /** Home does not see what the agent wrote. The file system's type. */
  LATE: 6,
} as const;

export type Role = "home" | "agent";

/** What is allowed in a frame of each type: who sends it, link or job, length, highest flag value. */
export interface Rule {
  readonly from: Role | "both";
  readonly link: boolean;
  readonly min: number;
  readonly max: number;
  readonly flags: number;
}

const link = (from: Rule["from"], min: number, max: number): Rule => ({
  from,
  link: true,
  min,
  max,
  flags: 0,
});
const job = (from: Rule["from"], min: number, max: number, flags = 0): Rule => {
  return { from, link: false, min, max, flags };
};

export const rules: ReadonlyMap<number, Rule> = new Map<number, Rule>([
  [Type.PING, link("both", 0, 0)],
  [Type.BYE, link("home", 0, 0)],
  [Type.DEAD, link("home", 1, 64)],
  [Type.DEAD_ANSWER, link("agent", 2, 65)],
  [Type.OPEN, job("home", 0, PAYLOAD_MAX, MORE)],
  [Type.SIGNAL, job("home", 4, 4)],
  [Type.KILL, job("home", 0, 0)],
  [Type.TELL, job("home", 3, 4096)],
  [Type.WINDOW, job("home", 8, 8, FD_MAX)],
  [Type.WITHDRAW, job("home", 0, 0)],
  [Type.TAKEN, job("home", 0, 0, FD_MAX)],
  [Type.REFUSE, job("agent", 1, 1024)],
  [Type.STATUS, job("agent", 52, PAYLOAD_MAX)],
  [Type.STOPPED, job("agent", 4, 4)],
  [Type.ASK, job("agent", 3, 3)],
  [Type.SEEN, job("agent", 2, 2)],
  [Type.CLOSE, job("agent", 0, 0)],
  [Type.OFFSET, job("agent", 8, 8, FD_MAX)],
  [Type.SHUT, job("agent", 0, 0, FD_MAX)],
  [Type.RETURN, job("agent", 1, 64, FD_MAX)],
  [Type.DATA, job("both", 1, MOVED_MAX, FD_MAX)],
  [Type.EOF, job("both", 0, 0, FD_MAX)],
  [Type.CREDIT, job("both", 4, 4, FD_MAX)],
  [Type.READER_GONE, job("both", 0, 0, FD_MAX)],
]);
