/** A file of the caller that the program reads itself, because it is the same one here. */
import { native } from "../io/native.js";
import { u64 } from "../mux/encode.js";
import { Type } from "../mux/frame.js";
import type { Stream } from "../mux/stream.js";
import type { End } from "./start.js";

export class DirectFile {
  constructor(
    private readonly stream: Stream,
    private readonly end: End,
  ) {
    stream.control(Type.READER_GONE, undefined, end.name); // nothing of it has to come from home
  }

  /** The program has ended: its place in the file becomes the caller's. */
  close(): void {
    const offset = native.seek(this.end.direct, -1);
    native.close(this.end.direct);
    if (offset >= 0 && BigInt(offset) !== this.end.file.source?.offset)
      this.stream.control(Type.OFFSET, u64(offset), this.end.name);
  }
}
