/** Is what home names here the same thing? Decided by inode on file systems proved to be shared, else by content. */
import { accessSync, constants } from "node:fs";
import { claimAt, parentOf } from "../io/claims.js";
import { hashFile } from "../io/identity.js";
import { fileSystemType, missesWrites, mountOf, networkSource } from "../io/mounts.js";
import { lengthenToken, type Token, tokenAt, tokenExists, tokenHas } from "../io/token-file.js";
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

/** About a token that was seen. */
export interface Question {
  readonly what: number;
  readonly token: Token;
}

const SAME: Verdict = { is: "same" };
const UNLIKE = "not the same";

export class World {
  /** `home device:device here`, proved to be one file system. */
  private readonly shared = new Set<string>();
  /** The same of those where each host sees at once what the other one writes. */
  private readonly prompt = new Set<string>();
  /** Such a pair and a folder, proved to be the same one: file systems of programs have inodes of their own on each host. */
  private readonly folders = new Set<string>();
  /** What was found out about single files and directories, by both inodes. */
  private readonly verdicts = new Map<string, { readonly why: string; readonly until: number }>();

  constructor(private readonly now: () => number) {}

  /** @param first - the claim is the working directory */
  check(claim: Claim, first: boolean): Verdict {
    const path = claim.path.toString("utf8");
    const here = claimAt(claim.path);
    const called = first ? `working directory ${path}` : `path ${path}`;
    if (here === undefined) return { is: "other", why: `${called} does not exist there` };
    const pair = pairOf(claim, here);
    if (here.kind !== claim.kind) return { is: "other", why: `${called} is of another kind there` };
    if (claim.ino === here.ino && this.shared.has(pair)) return SAME;

    const file = claim.kind === ClaimKind.FILE;
    const system = SYSTEM.test(path);
    if (system && claim.kind === ClaimKind.DIRECTORY && !first) return SAME;
    const alike = file && claim.size === here.size;
    if (alike && claim.mtimeNs === here.mtimeNs && (system || readOnly(claim.path))) return SAME;

    const key = verdictKey(claim, here);
    const known = this.verdicts.get(key);
    if (known !== undefined && known.until > this.now())
      return known.why === ""
        ? SAME
        : { is: "other", why: known.why === UNLIKE ? notTheSame(called, first) : known.why };
    if (system && !first) {
      if (alike && claim.size <= HASH_MAX) return { is: "ask", what: Ask.HASH, key };
      return { is: "other", why: notTheSame(called, first) };
    }
    if (claim.kind === ClaimKind.OTHER) return { is: "other", why: notTheSame(called, first) };
    if (this.folders.has(folderKey(pair, folderOf(claim)))) return SAME;
    return { is: "ask", what: Ask.TOKEN, key: pair };
  }

  /**
   * Home answered.
   * @param token - what this returned when the same claim was asked about before
   * @returns what else it is to be asked; undefined: check again
   */
  learn(claim: Claim, tell: number, bytes: Buffer, token?: Token): Question | undefined {
    const here = claimAt(claim.path);
    if (here === undefined) return undefined;
    if (tell === Tell.TOKEN) return this.look(claim, here, bytes);
    const pair = pairOf(claim, here);
    if (token !== undefined) {
      const late = lateness(tell, bytes, token, here);
      if (late === "" && tell === Tell.LENGTH) this.prompt.add(pair);
      if (late === "") this.found(claim, here);
      else this.judge(claim, here, late);
    } else if (tell === Tell.MOUNT) {
      const source = networkSource(here.dev);
      const same = source !== "" && source === bytes.toString("utf8") && claim.ino === here.ino;
      if (same) this.shared.add(pair);
      this.judge(claim, here, same ? "" : UNLIKE);
    } else {
      const same = tell === Tell.HASH && (hashFile(claim.path, Number(HASH_MAX))?.equals(bytes) ?? false);
      this.judge(claim, here, same ? "" : UNLIKE);
    }
    return undefined;
  }

  /** Home has put a token where the claim is. */
  private look(claim: Claim, here: Claim, name: Buffer): Question | undefined {
    const pair = pairOf(claim, here);
    const token = tokenAt(folderOf(claim), name);
    if (token === undefined || !tokenExists(token)) this.judge(claim, here, UNLIKE);
    else if (this.prompt.has(pair)) this.found(claim, here);
    else {
      const written = lengthenToken(token, 0);
      tokenHas(token, written ? 1 : 0); // that is what a cache would hold from now on
      return { what: written ? Ask.WRITTEN : Ask.UNWRITABLE, token };
    }
    return undefined;
  }

  /** Its folder is the same. */
  private found(claim: Claim, here: Claim): void {
    const pair = pairOf(claim, here);
    if (claim.ino === here.ino) this.shared.add(pair);
    // Something else may be mounted over the file.
    const same = claim.kind === ClaimKind.DIRECTORY || claimAt(parentOf(claim.path))?.dev === here.dev;
    if (same && this.folders.size >= VERDICTS_MAX) this.folders.clear();
    if (same) this.folders.add(folderKey(pair, folderOf(claim)));
    this.judge(claim, here, same ? "" : UNLIKE);
  }

  private judge(claim: Claim, here: Claim, why: string): void {
    if (this.verdicts.size >= VERDICTS_MAX) this.verdicts.clear();
    const until = why === "" ? Number.POSITIVE_INFINITY : this.now() + REFUSED_MS;
    this.verdicts.set(verdictKey(claim, here), { why, until });
  }
}

/** Which host, if one, does not see at once what the other one writes; "" = both do, as far as can be told. */
function lateness(tell: number, bytes: Buffer, token: Token, here: Claim): string {
  if (tell === Tell.LATE) return `${bytes.toString("utf8")} here caches what other hosts write`;
  if (tell !== Tell.LENGTH) return "";
  const missed = missesWrites(mountOf(here.dev), bytes.toString("utf8", 1));
  if (!missed && tokenHas(token, bytes[0] ?? 0)) return "";
  return `${fileSystemType(here.dev)} there caches what other hosts write`;
}

const pairOf = (claim: Claim, here: Claim): string => `${claim.dev}:${here.dev}`;

const folderKey = (pair: string, folder: Buffer): string => `${pair} ${folder.toString("latin1")}`;

/** The claim, or what holds it. */
const folderOf = ({ kind, path }: Claim): Buffer => (kind === ClaimKind.DIRECTORY ? path : parentOf(path));

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
