/** Answers an agent that wants to know whether a claim's file system is one that it has too. */
import { randomBytes } from "node:crypto";
import { closeSync, openSync, unlinkSync } from "node:fs";
import { parentOf } from "../io/claims.js";
import { hashFile } from "../io/identity.js";
import { networkSource } from "../io/mounts.js";
import { Reader, Writer } from "../mux/bytes.js";
import { Ask, Tell, Type } from "../mux/frame.js";
import { type Claim, ClaimKind } from "../mux/spec.js";
import type { Stream } from "../mux/stream.js";

const HASH_MAX = 4 * 1024 * 1024;

/** The questions about one job, and the token files that lie about for them. */
export class Answers {
  private readonly tokens = new Map<number, Buffer>();

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
    const [tell, bytes] =
      claim === undefined ? nothing : what === Ask.HASH ? hash(claim) : this.prove(claim, index);
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

  /** A token file where the claim is, or else what the mount table says. */
  private prove(claim: Claim, index: number): Answer {
    const directory = claim.kind === ClaimKind.DIRECTORY ? claim.path : parentOf(claim.path);
    const name = Buffer.from(`.pants-${randomBytes(12).toString("hex")}`);
    const path = Buffer.concat([directory, Buffer.from("/"), name]);
    try {
      closeSync(openSync(path, "wx", 0o600));
    } catch {
      const source = networkSource(claim.dev);
      return source === "" ? nothing : [Tell.MOUNT, Buffer.from(source)];
    }
    this.remove(index);
    this.tokens.set(index, path);
    return [Tell.TOKEN, name];
  }

  private remove(index: number): void {
    const path = this.tokens.get(index);
    if (path === undefined) return;
    this.tokens.delete(index);
    try {
      unlinkSync(path);
    } catch {
      // Somebody was faster.
    }
  }
}

type Answer = readonly [number, Uint8Array];
const nothing: Answer = [Tell.NOTHING, new Uint8Array(0)];

function hash(claim: Claim): Answer {
  const digest = hashFile(claim.path, HASH_MAX);
  return digest === undefined ? nothing : [Tell.HASH, digest];
}
