/** Which compiler runs where: seen from outside in the process lists, and as PANTS itself has recorded it. */
import { basename, join } from "node:path";
import { native } from "../../io/native.js";
import type { Lab } from "../../lab/lab.js";
import { reasonWords } from "../commands/why.js";

/** A compiler at work. */
export interface Compile {
  readonly host: string;
  /** `c/src/parser.c -O2`. */
  readonly what: string;
  readonly pid: number;
}

/** The compilers (cc1, not its driver) that run on a lab's hosts now. */
export function compilesNow(lab: Lab): Compile[] {
  return lab.hosts.flatMap((host) =>
    host
      .processes()
      .filter(({ argv, zombie }) => !zombie && basename(argv[0] ?? "") === "cc1")
      .map(({ argv, pid }) => {
        const source = argv.find((word) => word.endsWith(".c")) ?? "?";
        const level = argv.find((word) => /^-O/.test(word)) ?? "";
        return { host: host.name, what: `${source.replace(/^tree-sitter-/, "")} ${level}`, pid };
      }),
  );
}

/** What became of each compile that PANTS decided about. */
export interface Decided {
  /** Compiles by host. */
  readonly byHost: ReadonlyMap<string, number>;
  readonly remote: number;
  /** Ran at home because a slot was free there at once. */
  readonly homeWasFree: number;
  /** Ran at home though it was full when they started, by reason. */
  readonly homeAfterAll: ReadonlyMap<string, number>;
}

const REASON_SLOT = 1;
/** prexd's words when it was asked first, and a slot of this host was free. */
const FREE_HERE = "a slot is free here";

/** Where the compiles of a build went, from the home host's record of decisions. */
export function decided(lab: Lab, home: string, since: bigint, program: string): Decided {
  native.tableOpen(join(lab.host(home).runtime, "slots"), 0, 0);
  try {
    const all = native.whyRead(512).reverse();
    const ours = all.filter((one) => one.timeNs >= since && one.program.endsWith(program));
    // A free slot is found by the process that spawns the compiler, each time; all else is told by the stand-in,
    // whose last word counts.
    const last = new Map(ours.map((one) => [one.reason === REASON_SLOT ? `slot ${one.seq}` : one.pid, one]));
    const byHost = new Map<string, number>(lab.hosts.map(({ name }) => [name, 0]));
    const homeAfterAll = new Map<string, number>();
    let [remote, homeWasFree] = [0, 0];
    for (const one of last.values()) {
      const { where, reason, host, detail } = one;
      const name = where === 1 ? host : home;
      byHost.set(name, (byHost.get(name) ?? 0) + 1);
      if (where === 1) remote++;
      else if (reason === REASON_SLOT || detail === FREE_HERE) homeWasFree++;
      else {
        const words = detail || reasonWords(one);
        homeAfterAll.set(words, (homeAfterAll.get(words) ?? 0) + 1);
      }
    }
    return { byHost, remote, homeWasFree, homeAfterAll };
  } finally {
    native.tableClose();
  }
}
