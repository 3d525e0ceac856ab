/** The shim's decision, in its order, and what it leaves in the slot table. */
import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { bootTimeNs, NEVER, preload, World } from "./world.js";

const world = new World();
let caller = "";
let marked = "";
const GUEST = 1n << 49n;

beforeAll(() => {
  caller = world.probe("caller");
  marked = world.marked(world.probe("target"));
});
beforeEach(() => {
  world.slots(2);
  world.state();
});
afterAll(() => world.remove());

/** What the shim says of the marked program, started by `how`. */
function decision(how = "execve", env: Record<string, string> = {}): string {
  const r = world.shimmed([caller, how, marked, "--quiet"], { PANTS_DEBUG: "1", ...env });
  expect(r.stdout).toMatch(/status 0/);
  return r.stderr.replaceAll(`prex: ${marked}: `, "").split("\n")[0] ?? "";
}
/** A living process that is not ours to wait for. */
const other = BigInt(process.pid);

describe.each(["execve", "posix_spawn"])("by %s", (how) => {
  it("takes a slot on a host that is free", () => {
    expect(decision(how)).toBe("here: a slot was free");
    expect(world.words()[0]).toBeGreaterThan(0n);
    expect((world.words()[0] ?? 0n) >> 24n, "neither pending nor lent").toBe(0n);
    expect(world.whys()).toMatchObject([{ reason: 1, where: 0, program: marked.slice(-63) }]);
  });
  it("takes a dead process's slot", () => {
    world.slots(1, [4194303n]);
    expect(decision(how)).toBe("here: a slot was free");
    expect(world.words()[0]).not.toBe(4194303n);
  });
  it("stands in when every slot is taken, and when the host is busy", () => {
    world.slots(1, [other]);
    expect(decision(how)).toBe("standing in: every slot is taken");
    world.slots(2);
    world.state({ busy: true });
    expect(decision(how)).toBe("standing in: this host is busy");
  });
  it("asks prexd first, with a slot free, as long as that wants it", () => {
    world.queueUntil(bootTimeNs() + 900_000_000n);
    expect(decision(how)).toBe("standing in: prexd has other hosts at hand");
    world.state({ busy: true });
    expect(decision(how)).toBe("standing in: this host is busy");
    world.state();
    // Over, and never meant: what is farther away than any prexd asks for.
    for (const ns of [bootTimeNs() - 1n, bootTimeNs() + 60_000_000_000n]) {
      world.slots(2);
      world.queueUntil(ns);
      expect(decision(how)).toBe("here: a slot was free");
    }
  });
  it("leaves a slot alone that a living child has been lent", () => {
    world.slots(1, [4194303n | (other << 24n)]);
    expect(decision(how)).toBe("standing in: every slot is taken");
  });
  it("gives back the slot when the program cannot be started", () => {
    const broken = world.marked(join(world.dir, "bin", "target"), undefined, "broken");
    const bytes = readFileSync(broken);
    bytes.writeUInt16LE(0, 56); // no program headers: ENOEXEC
    writeFileSync(broken, bytes);
    expect(world.shimmed([caller, how, broken]).stdout).toMatch(/error 8/);
    expect(world.words().every((word) => word === 0n)).toBe(true);
    expect(world.whys()).toMatchObject([{ reason: 1 }]);
  });
  it("runs here without a daemon: no record, torn, stale, of another kind, no table", () => {
    const no = "here: no daemon: no state record, or a stale or torn one";
    rmSync(join(world.runtime, "state"));
    expect(decision(how)).toBe(no);
    for (const fields of [{ torn: true }, { age: 4 }, { age: -4 }, { magic: 1 }]) {
      world.state(fields);
      expect(decision(how)).toBe(no);
    }
    truncateSync(join(world.runtime, "state"), 10);
    expect(decision(how)).toBe(no);
    expect(world.words().every((word) => word === 0n)).toBe(true);
    world.state();
    for (const size of [5000, 0]) {
      truncateSync(join(world.runtime, "slots"), size);
      expect(decision(how)).toBe("here: no daemon: no slot table");
    }
    rmSync(join(world.runtime, "slots"));
    expect(decision(how)).toBe("here: no daemon: no slot table");
  });
  it("runs here while nobody can help", () => {
    world.state({ busy: true, remote: false, remoteAfterNs: bootTimeNs() + 3_600_000_000_000n });
    expect(decision(how)).toBe("here: nobody could help a moment ago");
    world.state({ busy: true, remote: false, remoteAfterNs: 1n });
    expect(decision(how)).toContain("standing in");
  });
  it("runs beside the slots while nobody can help, and no more than may: then prexd lets it wait", () => {
    world.state({ remote: false, remoteAfterNs: bootTimeNs() + 3_600_000_000_000n });
    world.slots(1, [other], 2);
    expect(decision(how)).toBe("here: nobody could help a moment ago");
    expect((world.words()[1] ?? 0n) & 0xffffffn).toBeGreaterThan(0n);
    world.slots(1, [other, other, other], 2);
    expect(decision(how)).toBe("standing in: every slot is taken");
    world.slots(1, [other, other, 4194303n], 2);
    expect(decision(how)).toBe("here: nobody could help a moment ago");
    // Words beyond them are nobody's.
    world.slots(1, [other], 0);
    expect(decision(how)).toBe("standing in: every slot is taken");
  });
  it("runs here inside a guest's session", () => {
    world.state({ busy: true });
    const script = `printf "$(printf '\\\\%03o\\\\%03o\\\\%03o' $(($$&255)) $(($$>>8&255)) $(($$>>16&255)))" | LD_PRELOAD= dd of=${world.runtime}/slots bs=1 seek=64 conv=notrunc 2>/dev/null; ${caller} ${how} ${marked} --quiet; true`;
    world.slots(1, [GUEST]);
    const r = world.run(["setsid", "-w", "sh", "-c", script], { PANTS_DEBUG: "1", LD_PRELOAD: preload });
    expect(r.stderr).toContain("here: part of a job run here for another host");
  });
});

describe.each(["execve", "execvp", "posix_spawn"])("by %s with PANTS_POLICY=always", (how) => {
  const always = { PANTS_DEBUG: "1", PANTS_POLICY: "always" };
  const said = (path: string, env: Record<string, string> = always): string =>
    world
      .shimmed([caller, how, path, "--quiet"], env)
      .stderr.split("\n")[0]
      ?.replace(/^.*(here|standing)/, "$1") ?? "";

  it("sends an idle host's unmarked program, also one whose parent has a slot or nobody could help", () => {
    const plain = join(world.dir, "bin", "target");
    expect(said(plain, { PANTS_DEBUG: "1", PANTS_POLICY: "alway" })).toBe("");
    expect(said(plain, { PANTS_DEBUG: "1", PANTS_POLICY: "always2" })).toBe("");
    expect(said(plain)).toBe("standing in: PANTS_POLICY=always");
    expect(said(marked)).toBe("standing in: PANTS_POLICY=always");
    world.state({ remote: false, remoteAfterNs: bootTimeNs() + 3_600_000_000_000n });
    expect(said(plain)).toBe("standing in: PANTS_POLICY=always");
  });

  it("sends neither what is marked never, a script, prex itself, nor without a daemon", () => {
    expect(said(world.marked(join(world.dir, "bin", "target"), NEVER, "never"))).toBe("");
    const script = join(world.dir, "bin", "script");
    writeFileSync(script, "#!/bin/true\n", { mode: 0o755 });
    expect(said(script)).toBe("");
    expect(said(world.prex)).toContain("here: cannot be carried: prex itself");
    expect(said(marked, { ...always, PANTS_DISABLE: "1" })).toBe("");
    rmSync(join(world.runtime, "state"));
    expect(said(marked)).toContain("here: no daemon");
  });

  it("sends nothing on from a job that runs here for another host, nor from a session that it began", () => {
    const slot = `printf "$(printf '\\\\%03o\\\\%03o\\\\%03o' $(($$&255)) $(($$>>8&255)) $(($$>>16&255)))" | LD_PRELOAD= dd of=${world.runtime}/slots bs=1 seek=64 conv=notrunc 2>/dev/null`;
    for (const start of ["", "setsid -w "]) {
      world.slots(1, [GUEST]);
      const script = `${slot}; LD_PRELOAD=${preload} ${start}${caller} ${how} ${marked} --quiet; true`;
      const r = world.run(["setsid", "-w", "sh", "-c", script], always);
      expect(r.stderr).toContain("here: part of a job run here for another host");
      expect(r.stderr).not.toContain("standing in");
    }
  });
});

it("lends a holder's slot to one child at a time", () => {
  // A driver that is marked runs two marked programs one after the other, then two at once.
  const driver = world.marked("/bin/sh", undefined, "driver");
  world.slots(1);
  const twice = world.shimmed([driver, "-c", `${marked} --quiet; ${marked} --quiet; :`], {
    PANTS_DEBUG: "1",
  });
  // The driver was started by Node, without the shim: it holds nothing yet.
  expect(twice.stderr).not.toContain("inside a slot");
  world.slots(1);
  const inner = world.shimmed(
    ["/bin/sh", "-c", `${driver} -c '${marked} --quiet; ${marked} --quiet; :'; :`],
    { PANTS_DEBUG: "1" },
  );
  expect(inner.stderr.match(/inside a slot that is held already/g)).toHaveLength(2);
  world.slots(1);
  const sleep = world.marked("/bin/sleep", undefined, "sleeper");
  const first = `${sleep} 1000 & until [ "$(cat /proc/$!/comm)" = sleeper ]; do :; done`;
  const both = `${driver} -c '${first}; ${marked} --quiet; kill $!; wait'; :`;
  const parallel = world.shimmed(["/bin/sh", "-c", both], { PANTS_DEBUG: "1" });
  expect(parallel.stderr.match(/inside a slot that is held already/g)).toHaveLength(1);
  expect(parallel.stderr).toContain("standing in: every slot is taken");
});

it("keeps a long path's tail in the record, and in one line on stderr", () => {
  const folder = "d".repeat(200);
  world.run(["mkdir", "-p", join(world.dir, folder)]);
  world.run(["cp", marked, join(world.dir, folder, "prog")]);
  const r = world.shimmed([caller, "execve", join(world.dir, folder, "prog"), "--quiet"], {
    PANTS_DEBUG: "1",
  });
  expect(r.stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(world.whys()[0]?.program).toMatch(/^d+\/prog$/);
  expect(world.whys()[0]?.program).toHaveLength(63);
});

it("keeps one mapping of the table and nothing open in the process that called vfork", () => {
  const script = `import os,sys
def fds(): return sorted(os.listdir('/proc/self/fd'))
def maps(): return sum('slots' in l for l in open('/proc/self/maps'))
import subprocess
before = fds()
for i in range(50): subprocess.run([sys.argv[1], '--quiet'], close_fds=False); subprocess.run([sys.argv[1], '--quiet'])
print(before == fds(), maps())`;
  const r = world.shimmed(["/usr/bin/env", "python3", "-c", script, marked]);
  expect(r).toMatchObject({ status: 0, stdout: "True 1\n" });
});

it("survives a table that is cut short, and finds one that was replaced, in a process that has one mapped", () => {
  const script = `import os,shutil,subprocess,sys
table = os.environ['PANTS_RUNTIME_DIR'] + '/slots'
def run(): return subprocess.run([sys.argv[1], '--quiet'], stderr=subprocess.PIPE, text=True)
def maps(): return sum('slots' in l for l in open('/proc/self/maps'))
first = run()
shutil.copy(table, table + '.new')
os.truncate(table, 0)
cut = run()
os.rename(table + '.new', table)
again = run()
print(first.returncode, cut.returncode, again.returncode, 'no slot table' in cut.stderr, 'a slot was free' in again.stderr, maps())`;
  const r = world.shimmed(["/usr/bin/env", "python3", "-c", script, marked], { PANTS_DEBUG: "1" });
  expect(r).toMatchObject({ status: 0, stdout: "0 0 0 True True 2\n" });
});
