import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { libprex } from "../../src/cli/demo/build.js";
import { copyCompiler } from "../../src/cli/demo/toolchain.js";
import { packageRoot } from "../../src/io/paths.js";
import type { Result } from "../../src/lab/command.js";
import type { Lab } from "../../src/lab/lab.js";
import { until } from "../../src/lab/wait.js";
import { cluster, missing } from "./cluster.js";
import { Guest } from "./guest.js";

/** The package must be readable by all, as what is installed is. */
const closed =
  missing === "" && spawnSync("setpriv", ["--reuid=65534", "--", "test", "-r", libprex]).status !== 0
    ? "others cannot read this tree"
    : "";
if (closed !== "") console.warn(`tests of ordinary users are skipped: ${closed}`);

const bin = (name: string): string => join(packageRoot, "bin", name);

/** A C file of which a compiler has something to do. */
const source = (i: number): string =>
  `#include <regex.h>\n#include <stdio.h>\n${Array.from({ length: 60 }, (_, j) => `int f${i}_${j}(char *b) { return snprintf(b, 64, "%d", ${i}) * ${j}; }`).join("\n")}\n`;
const MAKEFILE = `lib.a: $(patsubst %.c,%.o,$(wildcard f*.c))
\trm -f $@; ar rcsD $@ $^
%.o: %.c
\tgcc -O2 -c -o $@ $<
`;

describe.skipIf(missing !== "" || closed !== "")("ordinary users of hosts whose pantsd is root's", () => {
  let lab: Lab;
  let guest: Guest;
  beforeAll(async () => {
    guest = new Guest();
    chmodSync(guest.folder, 0o755);
    lab = await cluster({ hosts: 3, cpus: 0.5, settings: { slots: { total: 1 } }, users: ["ann", "bob"] });
  });
  afterAll(async () => {
    await lab.down();
    guest.remove();
  });

  const run = (user: string, argv: readonly string[], env = {}): Promise<Result> =>
    lab.host("n1").run(argv, { as: lab.user(user), env, timeoutMs: 60_000 });

  it("run programs elsewhere as themselves, by their own ssh", async () => {
    const holder = await guest.fill(lab);
    const script = "umask 027; id -u; read name </proc/sys/kernel/hostname; echo $name; : >made";
    const argv = ["sh", "-c", 'exec "$@"', "sh", guest.sh, "-c", script];
    for (const name of ["ann", "bob"]) {
      const user = lab.user(name);
      await until(
        `a program of ${name}'s to run elsewhere`,
        async () => {
          const { status, stdout } = await run(name, argv, { LD_PRELOAD: libprex });
          expect(status).toBe(0);
          const [uid, host] = stdout.trim().split("\n");
          expect(uid).toBe(String(user.uid));
          return host === "n1" ? undefined : host;
        },
        { ms: 30_000, every: 200 },
      );
      const made = statSync(join(user.home, "made"));
      expect([made.uid, made.gid, made.mode & 0o777]).toEqual([user.uid, user.uid, 0o640]);
    }
    await holder.kill("SIGKILL");
  });

  it("have a prexd each, which the other one cannot reach", async () => {
    const prexds = lab.host("n1").running("prexd");
    const uids = prexds.map((pid) => statSync(`/proc/${pid}`).uid).sort();
    expect(uids).toEqual([lab.user("ann").uid, lab.user("bob").uid]);
    const socket = `/run/pants/users/${lab.user("ann").uid}/prexd.sock`;
    expect((await run("ann", ["test", "-S", socket])).status).toBe(0);
    expect((await run("bob", ["test", "-S", socket])).status).toBe(1);
  });

  it("build at the same time on the same hosts, each to what it is without PANTS", async () => {
    const names = ["ann", "bob"];
    for (const name of names) {
      const { home } = lab.user(name);
      copyCompiler(home);
      for (let i = 0; i < 12; i++) writeFileSync(join(home, `f${i}.c`), source(i));
      writeFileSync(join(home, "Makefile"), MAKEFILE);
    }
    const build = async (name: string, env: Record<string, string>): Promise<string> => {
      const { home } = lab.user(name);
      const PATH = `${join(home, "bin")}:/usr/bin:/bin`;
      await run(name, ["sh", "-c", "rm -f *.o *.a"]);
      const made = await run(name, ["make", "-s", "-j8"], { ...env, PATH });
      expect(made).toMatchObject({ status: 0, stdout: "", stderr: "" });
      return readFileSync(join(home, "lib.a"), "base64");
    };
    const plain = await Promise.all(names.map((name) => build(name, {})));
    const sent = await Promise.all(names.map((name) => build(name, { LD_PRELOAD: libprex })));
    expect(sent).toEqual(plain);
    const why = await run("ann", [bin("pants"), "why", "--json", "-n", "200"]);
    const remote = (JSON.parse(why.stdout) as { where: string; program: string; uid: number }[]).filter(
      ({ where, program }) => where === "remote" && program.endsWith("/bin/gcc"),
    );
    expect([...new Set(remote.map(({ uid }) => uid))].sort()).toEqual(
      names.map((name) => lab.user(name).uid),
    );
  });

  it("reach other hosts whatever their ssh's configuration has for logins by hand", async () => {
    const { home, uid } = lab.user("ann");
    const lines = [
      ...["RemoteCommand echo no", "RequestTTY force", "StdinNull yes", "SessionType none"],
      ...["ForkAfterAuthentication yes", "PermitLocalCommand yes", "LocalCommand echo local"],
      ...["ControlMaster auto", `ControlPath ${home}/.ssh/control-%h`, "ForwardAgent yes", "ForwardX11 yes"],
      ...["EscapeChar x", "Compression yes", "VisualHostKey yes", "LocalForward 9999 localhost:22"],
    ];
    writeFileSync(join(home, ".ssh", "config"), `Host *\n${lines.map((line) => `  ${line}\n`).join("")}`);
    chownSync(join(home, ".ssh", "config"), uid, uid);
    // Links that are there have had another configuration.
    for (const pid of lab.host("n1").running("prexd")) process.kill(pid, "SIGTERM");
    await until("prexd to end", () => lab.host("n1").running("prexd").length === 0);
    const script = "echo x >&2; cat; read name </proc/sys/kernel/hostname; echo $name; exit 3";
    const argv = [bin("prex"), "--on", "n3", "sh", "-c", script];
    const ran = await run("ann", ["sh", "-c", 'echo in | "$@"', "sh", ...argv]);
    expect(ran).toMatchObject({ status: 3, stdout: "in\nn3\n", stderr: "x\n" });
  });

  it("see the load that root's pantsd has on record, of all hosts", async () => {
    const log = await run("ann", [bin("pants"), "log", "--json", "-n", "1"]);
    expect(JSON.parse(log.stdout)).toHaveLength(1);
    const PATH = `${join(packageRoot, "bin")}:/usr/bin:/bin`;
    const stats = await run("ann", [bin("pants"), "stats", "n1", "n2", "n3", "--json"], { PATH });
    expect(stats.stderr).toBe("");
    const { hosts, points } = JSON.parse(stats.stdout) as { hosts: string[]; points: unknown[] };
    expect(hosts).toEqual(["n1", "n2", "n3"]);
    expect(points.length).toBeGreaterThan(0);
  });

  it("cannot change how the host is run, nor read its key", async () => {
    for (const words of [
      ["set", "policy", "cpu"],
      ["key", "show"],
    ]) {
      const { status, stderr } = await run("ann", [bin("pants"), ...words]);
      expect(status).toBe(1);
      expect(stderr).toMatch(/^pants: .*EACCES/);
    }
    expect(existsSync(join(lab.folder, "key"))).toBe(true);
  });
});
