/** The paper's three micro benchmarks, and the two that it only names (section 3.2): what each child is started with. */
import type { IndexName } from "../../../core/indices.js";

/** How much work, from `--set`. */
export interface Amount {
  /** 1 = a child's whole work. */
  readonly work: number;
  readonly children: number;
}

export interface Kind {
  /** Also the program's name: bench/micro/NAME.c. */
  readonly name: string;
  readonly title: string;
  readonly about: string;
  /** The load index that it is about. */
  readonly index: IndexName;
  /** Arguments of the program that makes what children need on each host, once. */
  readonly make?: (amount: Amount) => readonly string[];
  readonly child: (amount: Amount) => readonly string[];
  /** Of the one that removes what children left on each host, after each run. */
  readonly forget?: (amount: Amount) => readonly string[];
}

/** At least 1, and whole. */
const whole = (value: number): string => String(Math.max(1, Math.round(value)));

export const kinds: readonly Kind[] = [
  {
    name: "cpu",
    title: "Floating point (CPU)",
    about: "Each child does 100,000 million floating-point operations.",
    index: "cpu",
    child: ({ work }) => [whole(100_000 * work)],
  },
  {
    name: "io",
    title: "A tree of small files (I/O)",
    about: "Each child copies 384 MB in files of 19 KB on average; each is on the disk before the next one.",
    index: "io",
    make: ({ work }) => ["make", whole(384 * work)],
    child: ({ work }) => ["copy", whole(384 * work)],
    forget: ({ work, children }) => ["forget", whole(384 * work), String(children)],
  },
  {
    name: "memory",
    title: "100 MB, ten times (memory)",
    about:
      "Each child takes 100 MB, maps a section that is on the disk into it, touches all and frees it, ten times.",
    index: "memory",
    make: ({ work, children }) => ["make", whole(100 * work), String(children)],
    child: ({ work }) => ["use", whole(100 * work), "10"],
  },
  {
    name: "ctxt",
    title: "A byte back and forth (context switches)",
    about: "Each child is two processes that hand a byte back and forth through pipes, 4 million times.",
    index: "ctxt",
    child: ({ work }) => [whole(4000 * work)],
  },
  {
    name: "intr",
    title: "A timer (interrupts)",
    about: "Each child waits for 250,000 interrupts of a timer, 5,000 a second.",
    index: "intr",
    child: ({ work }) => [whole(250 * work)],
  },
];
