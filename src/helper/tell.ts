/** Answers an agent that wants to know whether a claim's file system is one that it has too. */
import { parentOf } from "../io/claims.js";
import { hashFile } from "../io/identity.js";
import { fileSystemType, networkSource } from "../io/mounts.js";
import { createToken, lengthenToken, removeToken, type Token, tokenHas } from "../io/token-file.js";
import { Reader, Writer } from "../mux/bytes.js";
import { Ask, Tell, Type } from "../mux/frame.js";
import { type Claim, ClaimKind } from "../mux/spec.js";
import type { Stream } from "../mux/stream.js";

const HASH_MAX = 4 * 1024 * 1024;

/** The questions about one job, and the token files that lie about for them. */
export class Answers {
  private readonly tokens = new Map<number, Token>();

  constructor(
    private readonly stream: Stream,
    private readonly claims: readonly Claim[],
  ) {}

  /** @throws {LinkFault} */
  ask(payload: Buffer): void {
    const r = new Reader(payload);
    const what = r.u8();
    const index = r.u16();
    const claim = this.claims[index];
    const [tell, bytes] = claim === undefined ? nothing : this.answer(what, claim, index);
    this.stream.control(Type.TELL, new Writer().u8(tell).u16(index).raw(bytes).done());
  }

  /** The agent has looked. @throws {LinkFault} */
  seen(payload: Buffer): void {
    this.remove(new Reader(payload).u16());
  }

  /** Leaves nothing behind. */
  end(): void {
    for (const index of [...this.tokens.keys()]) this.remove(index);
  }

  private answer(what: number, claim: Claim, index: number): Answer {
    if (what === Ask.HASH) return hash(claim);
    if (what === Ask.WRITTEN || what === Ask.UNWRITABLE) return this.lengthen(what, claim, index);
    return this.prove(claim, index);
  }

  /** A token file where the claim is, or else what the mount table says. */
  private prove(claim: Claim, index: number): Answer {
    const token = createToken(claim.kind === ClaimKind.DIRECTORY ? claim.path : parentOf(claim.path));
    if (token === undefined) {
      const source = networkSource(claim.dev);
      return source === "" ? nothing : [Tell.MOUNT, Buffer.from(source)];
    }
    this.remove(index);
    this.tokens.set(index, token);
    tokenHas(token, 0); // that is what a cache would hold from now on
    return [Tell.TOKEN, token.name];
  }

  /** Looks for what the agent wrote to the token, and writes to it as well. */
  private lengthen(what: number, claim: Claim, index: number): Answer {
    const token = this.tokens.get(index);
    if (token === undefined) return nothing;
    const length = what === Ask.WRITTEN ? 1 : 0;
    if (!tokenHas(token, length)) return [Tell.LATE, Buffer.from(fileSystemType(claim.dev))];
    if (!lengthenToken(token, length)) return nothing;
    return [
      Tell.LENGTH,
      new Writer()
        .u8(length + 1)
        .raw(Buffer.from(fileSystemType(claim.dev)))
        .done(),
    ];
  }

  private remove(index: number): void {
    const token = this.tokens.get(index);
    if (token === undefined) return;
    this.tokens.delete(index);
    removeToken(token);
  }
}

type Answer = readonly [number, Uint8Array];
const nothing: Answer = [Tell.NOTHING, new Uint8Array(0)];

function hash(claim: Claim): Answer {
  const digest = hashFile(claim.path, HASH_MAX);
  return digest === undefined ? nothing : [Tell.HASH, digest];
}
