/**
 * The groups of this user's programs. A login over ssh is taken to give those that this process has, so a program with
 * others runs here. Unless it is this process that has old ones: the user was put into a group after the login that
 * started it.
 */
import { execFile } from "node:child_process";
import { userInfo } from "node:os";
import type { PeerCred } from "../io/native.js";

/** Whoever has other groups is compared with the user database at most so often, ms. */
const ASK_MS = 5000;
const ANSWER_MS = 5000;

export class Groups {
  private readonly gid = process.getegid?.();
  /** Ours, and all of them with that among them; nobody changes them while we run. */
  private readonly all = new Set(process.getgroups?.());
  private askedAt = Number.NEGATIVE_INFINITY;

  /** @param outdated - called when a login of today gives a program's groups, and not ours */
  constructor(private readonly outdated: () => void) {
    if (this.gid !== undefined) this.all.add(this.gid);
  }

  /** Whether a process has the groups of this one. */
  has({ gid, groups }: PeerCred): boolean {
    const theirs = new Set(groups).add(gid);
    const same = gid === this.gid && isSame(theirs, this.all);
    if (!same) this.ask(gid, theirs);
    return same;
  }

  private ask(gid: number, groups: ReadonlySet<number>): void {
    const now = performance.now();
    if (now - this.askedAt < ASK_MS) return;
    this.askedAt = now;
    try {
      // The user's own first.
      execFile("id", ["-G", "--", userInfo().username], { timeout: ANSWER_MS }, (error, stdout) => {
        const login = stdout.trim().split(" ").map(Number);
        if (error === null && login[0] === gid && isSame(new Set(login), groups)) this.outdated();
      });
    } catch {
      // A user without a name: nothing is known of a login.
    }
  }
}

const isSame = (a: ReadonlySet<number>, b: ReadonlySet<number>): boolean =>
  a.size === b.size && [...a].every((one) => b.has(one));
