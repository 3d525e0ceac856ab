/** What programs a host can run, as hosts tell each other: `x86_64-glibc`. */
import { readdirSync } from "node:fs";
import { machine } from "node:os";
import type { Compat } from "../wire/control.js";

/** Machine and C library of this host. */
export function hostCompat(): Compat {
  return `${machine()}-${hasMuslOnly() ? "musl" : "glibc"}`;
}

/** A host of musl has its loader in /lib and no loader of glibc anywhere. */
function hasMuslOnly(): boolean {
  const names = ["/lib", "/lib64"].flatMap((dir) => {
    try {
      return readdirSync(dir);
    } catch {
      return [];
    }
  });
  return names.some((n) => n.startsWith("ld-musl-")) && !names.some((n) => /^ld-linux|^ld64\.so/.test(n));
}
