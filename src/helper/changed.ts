/** What the far host says that a program changed, in portions for its stand-in. */
import { Buffer } from "node:buffer";
import { PART_MAX } from "../io/layout.js";

/** Cut behind a NUL, where each path ends; one that alone is too long is left out. */
export function* partsOf(changed: Buffer = Buffer.alloc(0)): Generator<Buffer> {
  for (let rest = changed; rest.length > 0; ) {
    const end = rest.lastIndexOf(0, PART_MAX - 1) + 1;
    if (end > 0) yield rest.subarray(0, end);
    rest = rest.subarray(end || rest.indexOf(0) + 1);
  }
}
