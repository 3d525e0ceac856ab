/** A marked program in a sandbox runs here: elsewhere it would be out of it. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ownPlace } from "../../src/io/place.js";
import { root, sanitized, World } from "./world.js";

const world = new World();
let boxed = "";
let marked = "";
beforeAll(() => {
  boxed = world.probe("boxed");
  marked = world.marked(world.probe("target"));
});
beforeEach(() => {
  world.slots(2);
  world.state({ busy: true, place: ownPlace() });
});
afterAll(() => world.remove());

const asRoot = process.getuid?.() === 0;
const unshares = (option: string): boolean =>
  asRoot && world.run(["unshare", ...option.split(" "), "true"]).status === 0;
const spaces = "here: cannot be carried: not in this host's namespaces or root directory";

/** What the shim says of the marked program at the end of a command line. */
function decision(...before: string[]): string {
  const r = world.shimmed([...before, marked, "--quiet"], { PANTS_DEBUG: "1" });
  expect(r).toMatchObject({ status: 0, signal: null });
  return r.stderr.replaceAll(`prex: ${marked}: `, "").split("\n")[0] ?? "";
}

it("is sent when it is in none", () => {
  expect(decision("env")).toBe("standing in: this host is busy");
  world.state({ busy: true });
  expect(decision("env"), "of a pantsd that does not say where it is").toContain("standing in");
});

it("no_new_privs", () => {
  expect(decision(boxed, "nnp")).toBe("here: cannot be carried: no_new_privs is set");
  expect(world.whys()[0]).toMatchObject({ reason: 7, detail: "no_new_privs is set" });
});

describe.skipIf(!asRoot)("a seccomp filter", () => {
  const filtered = "here: cannot be carried: a seccomp filter is in force";
  it("of the process", () => expect(decision(boxed, "seccomp")).toBe(filtered));
  it("of the one thread that starts a program", () => expect(decision(boxed, "thread")).toBe(filtered));
  it("that kills for prctl: it is not called", () => expect(decision(boxed, "deadly")).toBe(filtered));
});

describe("namespaces and the root directory", () => {
  for (const option of ["-m", "-n", "-U -r", "-p -f", "-p"])
    it(`unshare ${option}`, (context) => {
      if (!unshares(option)) return context.skip("unshare is not permitted here");
      expect(decision("unshare", ...option.split(" "))).toBe(spaces);
    });

  // AddressSanitizer itself does nothing without /proc.
  it.skipIf(sanitized)("without /proc nothing can be told", (context) => {
    if (!unshares("-m")) return context.skip("unshare is not permitted here");
    const script = 'mount -t tmpfs none /proc; exec "$@"';
    expect(decision("unshare", "-m", "sh", "-c", script, "sh")).toContain("status in /proc cannot be read");
  });

  it.skipIf(sanitized)("chroot", (context) => {
    if (!unshares("-m")) return context.skip("unshare is not permitted here");
    // The host is a mount namespace here, so that no mount is left.
    const jail = join(world.dir, "jail");
    mkdirSync(jail);
    const place = `import("${root}/dist/io/place.js").then(({ ownPlace }) => { const b = Buffer.alloc(4);
      b.writeUInt32LE(ownPlace()); fs.writeSync(fs.openSync("${world.runtime}/state", "r+"), b, 0, 4, 56); })`;
    const fill =
      'for d in /*; do [ -d "$d" ] && [ ! -L "$d" ] && mkdir "$1$d" && mount --rbind "$d" "$1$d" || cp -P "$d" "$1"; done';
    const script = `${fill}; "$2" -e "$3" && "$4" --quiet && exec chroot "$1" "$4" --quiet`;
    const r = world.shimmed(
      ["unshare", "-m", "sh", "-c", script, "sh", jail, process.execPath, place, marked],
      { PANTS_DEBUG: "1" },
    );
    expect(r.stderr.replaceAll(`prex: ${marked}: `, "").match(/^(standing in|here: cannot).*/gm)).toEqual([
      "standing in: this host is busy",
      spaces,
    ]);
    expect(r.status).toBe(0);
  });
});

it("by hand too", () => {
  const r = world.run([boxed, "nnp", world.prex, marked, "--quiet"]);
  expect(r.stderr).toBe(`prex: running ${marked} here: cannot be carried: no_new_privs is set\n`);
});
