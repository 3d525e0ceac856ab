/** Everything that may be wrong with what the other end of a link sends. Each of them ends that link, nothing else. */
export type FaultCode = "type" | "flags" | "length" | "stream" | "window" | "order" | "content";

/** The other end broke the rules of a link. */
export class LinkFault extends Error {
  constructor(
    readonly code: FaultCode,
    message: string,
  ) {
    super(`malformed frame (${code}): ${message}`);
  }
}
