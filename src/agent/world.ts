/** Is what home names here the same thing? Decided by inode on file systems proved to be shared, else by content. */
import { accessSync, constants, lstatSync } from "node:fs";
import { join } from "node:path";
import { claimAt, parentOf } from "../io/claims.js";
import { hashFile } from "../io/identity.js";
import { networkSource } from "../io/mounts.js";
import { Ask, Tell } from "../mux/frame.js";
import { type Claim, ClaimKind } from "../mux/spec.js";

/** Below these a host keeps what came with it: the same path means the same purpose, though not the same inode. */
const SYSTEM = /^\/(usr|lib|lib64|lib32|libx32|opt|bin|sbin|etc|nix|gnu)(\/|$)/;
/** Files up to this size are compared by content when their times differ. */
const HASH_MAX = 4n * 1024n * 1024n;
/** A directory that was not the same is not asked about again before, ms. */
const REFUSED_MS = 5000;
const VERDICTS_MAX = 1024;

export type Verdict =
  | { readonly is: "same" }
  | { readonly is: "other"; readonly why: string }
  /** Home must say more; `key`: one question at a time for each. */
  | { readonly is: "ask"; readonly what: number; readonly key: string };

const SAME: Verdict = { is: "same" };

export class World {
  /** `home device:device here`, proved to be one file system. */
  private readonly shared = new Set<string>();
  /** What was found out about single files and directories, by both inodes; a time = not the same until then. */
  private readonly verdicts = new Map<string, number>();

  constructor(private readonly now: () => number) {}

  /** @param first - the claim is the working directory */
  check(claim: Claim, first: boolean): Verdict {
    const path = claim.path.toString("utf8");
    const here = claimAt(claim.path);
    const called = first ? `working directory ${path}` : `path ${path}`;
    if (here === undefined) return { is: "other", why: `${called} does not exist there` };
    const pair = `${claim.dev}:${here.dev}`;
    if (here.kind !== claim.kind) return { is: "other", why: `${called} is of another kind there` };
    if (claim.ino === here.ino && this.shared.has(pair)) return SAME;

    const file = claim.kind === ClaimKind.FILE;
    const system = SYSTEM.test(path);
    if (system && claim.kind === ClaimKind.DIRECTORY && !first) return SAME;
    const alike = file && claim.size === here.size;
    if (alike && claim.mtimeNs === here.mtimeNs && (system || readOnly(claim.path))) return SAME;

    const key = verdictKey(claim, here);
    const until = this.verdicts.get(key);
    if (until === Number.POSITIVE_INFINITY) return SAME;
    if (until !== undefined && until > this.now()) return { is: "other", why: notTheSame(called, first) };
    if (system && !first) {
      if (alike && claim.size <= HASH_MAX) return { is: "ask", what: Ask.HASH, key };
      return { is: "other", why: notTheSame(called, first) };
    }
    if (claim.kind === ClaimKind.OTHER || this.shared.has(pair)) {
      return { is: "other", why: notTheSame(called, first) };
    }
    return { is: "ask", what: Ask.TOKEN, key: pair };
  }

  /** Home answered; check again afterwards. */
  learn(claim: Claim, tell: number, bytes: Buffer): void {
    const here = claimAt(claim.path);
    if (here === undefined) return;
    const [same, sameDevice] = this.weigh(claim, here, tell, bytes);
    if (sameDevice && claim.ino === here.ino) this.shared.add(`${claim.dev}:${here.dev}`);
    if (this.verdicts.size >= VERDICTS_MAX) this.verdicts.clear();
    this.verdicts.set(verdictKey(claim, here), same ? Number.POSITIVE_INFINITY : this.now() + REFUSED_MS);
  }

  /** Whether it is the same thing, and whether the whole file system is. */
  private weigh(claim: Claim, here: Claim, tell: number, bytes: Buffer): [boolean, boolean] {
    if (tell === Tell.HASH) return [hashFile(claim.path, Number(HASH_MAX))?.equals(bytes) ?? false, false];
    if (tell === Tell.MOUNT) {
      const source = networkSource(here.dev);
      const same = source !== "" && source === bytes.toString("utf8") && claim.ino === here.ino;
      return [same, same];
    }
    if (tell !== Tell.TOKEN) return [false, false];
    const directory = claim.kind === ClaimKind.DIRECTORY ? claim.path : parentOf(claim.path);
    const name = bytes.toString("latin1");
    if (!/^\.pants-[0-9a-f]{16,64}$/.test(name)) return [false, false];
    const seen = lstatSync(join(directory.toString("utf8"), name), { throwIfNoEntry: false });
    const found = seen?.isFile() ?? false;
    return [found && claim.kind === ClaimKind.DIRECTORY, found];
  }
}

function verdictKey(claim: Claim, here: Claim): string {
  // A file's content may change under the same inode; a directory stays the same directory.
  const content = claim.kind === ClaimKind.FILE ? `:${claim.mtimeNs}:${here.mtimeNs}:${here.size}` : "";
  return `${claim.dev}:${claim.ino}:${here.dev}:${here.ino}${content}`;
}

const notTheSame = (called: string, first: boolean): string =>
  first ? `${called} cannot be proved to be shared` : `${called} is not the same there`;

/** Cannot be written by us here, so that nothing is lost if it is only a copy. */
function readOnly(path: Buffer): boolean {
  try {
    accessSync(path, constants.W_OK);
    return false;
  } catch {
    return true;
  }
}
