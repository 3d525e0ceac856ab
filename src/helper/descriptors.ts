/** The caller's standard descriptors, as they came with a job. */
import { fstatSync, readFileSync } from "node:fs";
import { type FdKind, native } from "../io/native.js";
import { FdUse } from "../mux/spec.js";

export interface Descriptor {
  readonly fd: number;
  readonly kind: FdKind;
}

export class Descriptors {
  /** By number in the program; undefined = closed there. */
  readonly all: readonly (Descriptor | undefined)[];
  /** 1 and 2 are one open file. */
  readonly merged: boolean;
  private readonly open = new Set<number>();

  /** @param mask - bit i: descriptor i came; `fds` lowest first */
  constructor(mask: number, fds: readonly number[]) {
    let next = 0;
    this.all = [0, 1, 2].map((i) => {
      if ((mask & (1 << i)) === 0) return undefined;
      const fd = fds[next++] ?? -1;
      this.open.add(i);
      return { fd, kind: native.classify(fd) };
    });
    const [, out, err] = this.all;
    this.merged = out !== undefined && err !== undefined && isOneFile(out, err);
  }

  /** How the program shall see each of them. */
  get uses(): [number, number, number] {
    const use = (i: number): number => {
      const kind = this.all[i]?.kind ?? "closed";
      if (kind === "closed") return FdUse.CLOSED;
      if (kind === "null") return FdUse.NULL;
      if (i === 2 && this.merged) return FdUse.MERGED;
      return kind === "tty" ? FdUse.TTY : FdUse.STREAM;
    };
    return [use(0), use(1), use(2)];
  }

  /** Why they cannot be carried; empty when they can. */
  get unfit(): string {
    const at = this.all.findIndex((d) => d?.kind === "other");
    return at < 0 ? "" : `descriptor ${at} is of a kind that cannot be carried`;
  }

  close(i: number): void {
    const descriptor = this.all[i];
    if (descriptor !== undefined && this.open.delete(i)) native.close(descriptor.fd);
  }

  closeAll(): void {
    for (const i of [0, 1, 2]) this.close(i);
  }
}

/** The same pipe, socket or terminal; for files also the same position, as two opens of one file are two. */
function isOneFile(a: Descriptor, b: Descriptor): boolean {
  if (a.kind !== b.kind || a.kind === "null") return false;
  try {
    const [x, y] = [fstatSync(a.fd), fstatSync(b.fd)];
    if (x.dev !== y.dev || x.ino !== y.ino || x.rdev !== y.rdev) return false;
    if (a.kind !== "file") return true;
    return (
      readFileSync(`/proc/self/fdinfo/${a.fd}`, "latin1") ===
      readFileSync(`/proc/self/fdinfo/${b.fd}`, "latin1")
    );
  } catch {
    return false;
  }
}
