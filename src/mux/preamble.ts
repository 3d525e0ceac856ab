/** The agent's first line, `PANTS1 <link id>\n`: whatever a talkative login printed before it is skipped. */
import { Buffer } from "node:buffer";
import { LinkFault } from "./errors.js";

export const NOISE_MAX = 64 * 1024;
const MAGIC = "PANTS1 ";

export const preamble = (link: string): Buffer => Buffer.from(`${MAGIC}${link}\n`, "latin1");

/** Waits for the line of one certain link. */
export class PreambleFinder {
  private seen = Buffer.alloc(0);
  private readonly wanted: Buffer;

  constructor(link: string) {
    this.wanted = preamble(link);
  }

  /** The bytes after the line once it came, else undefined. @throws {LinkFault} when it does not come */
  push(chunk: Buffer): Buffer | undefined {
    this.seen = Buffer.concat([this.seen, chunk]);
    const at = this.seen.indexOf(this.wanted);
    if (at >= 0) return this.seen.subarray(at + this.wanted.length);
    if (this.seen.length > NOISE_MAX) {
      throw new LinkFault("content", "no agent at the other end: it sent 64 KiB of something else");
    }
    return undefined;
  }

  /** What came instead, last line, for a message. */
  get noise(): string {
    return this.seen.toString("utf8").trimEnd().split("\n").at(-1)?.slice(0, 200) ?? "";
  }
}
