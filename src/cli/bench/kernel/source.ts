/**
 * Debian's kernel source, unpacked and configured once in the user's cache, and a fresh tree of it for each build: made of
 * links, since a build writes new files and changes none.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export type KernelConfig = "tinyconfig" | "defconfig";

/** Where Debian's packages linux-source-* put the archive. */
const PACKAGED = "/usr/src";
/** What a kernel's build needs, and the Debian packages that have it. */
const NEEDED = [
  ["/usr/bin/flex", "flex"],
  ["/usr/bin/bison", "bison"],
  ["/usr/bin/bc", "bc"],
  ["/usr/include/libelf.h", "libelf-dev"],
  ["/usr/include/openssl/ssl.h", "libssl-dev"],
] as const;

/** The newest packaged source; undefined when there is none. */
function archive(): string | undefined {
  const found = existsSync(PACKAGED) ? readdirSync(PACKAGED) : [];
  const sources = found.filter((name) => /^linux-source-[\d.]+\.tar\.xz$/.test(name));
  const newest = sources.sort((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1);
  return newest === undefined ? undefined : join(PACKAGED, newest);
}

/** Debian packages that a kernel build lacks here. */
export function missingPackages(): string[] {
  const absent = NEEDED.filter(([file]) => !existsSync(file)).map(([, name]) => name);
  return archive() === undefined ? ["linux-source", ...absent] : absent;
}

/** Folder of what benches keep from run to run: big, and made again when it is removed. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "pants", "bench");
}

/** Makes what stands at `folder` from a draft beside it, so that half of it is never taken for the whole. */
async function once(folder: string, make: (draft: string) => Promise<void>): Promise<string> {
  if (existsSync(folder)) return folder;
  const draft = `${folder}.${process.pid}`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  try {
    await make(draft);
    renameSync(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return folder;
}

/** The configured source; unpacked the first time, which takes a minute. @throws when a package is missing */
export async function kernelSource(config: KernelConfig): Promise<string> {
  const from = archive();
  const missing = missingPackages();
  if (from === undefined || missing.length > 0)
    throw new Error(`a kernel build needs: apt-get install ${missing.join(" ")}`);
  const version = /linux-source-([\d.]+)\.tar/.exec(from)?.[1] ?? "";
  const plain = await once(join(cacheFolder(), `linux-${version}`), async (draft) => {
    await run("tar", ["-xf", from, "-C", draft, "--strip-components=1"]);
  });
  return once(`${plain}-${config}`, async (draft) => {
    await run("cp", ["-al", `${plain}/.`, draft]);
    await run("make", ["-s", config], { cwd: draft });
  });
}

/** A fresh tree at `folder`, in place of what was there: on the same file system as the source. */
export async function freshTree(source: string, folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  await run("cp", ["-al", source, folder]);
}
