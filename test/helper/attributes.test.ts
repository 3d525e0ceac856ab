/** What a program sees of how it was started: the same wherever it runs. */
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ThreeWays } from "./three-ways.js";

let ways: ThreeWays;
let probe = "";
beforeAll(async () => {
  ways = new ThreeWays();
  await ways.up();
  probe = ways.marked(ways.probe("attributes"), "attributes-marked");
});
afterAll(() => ways.end());

/** Starts the probe by a shell script, in all ways. */
async function seen(script: string, cwd?: string): Promise<string> {
  const env = { P: probe };
  const { stdout, migrated } = await ways.all(
    ["/bin/bash", "-c", script],
    cwd === undefined ? { env } : { env, cwd },
  );
  expect(migrated).toBeGreaterThan(0);
  return stdout;
}

describe("a program sees, wherever it runs,", () => {
  it("its arguments, its environment byte for byte, and all the rest", async () => {
    const out = await seen(String.raw`env -i $'A=b\nc' B=$'\xff\x80' =x D=1 LD_PRELOAD="$LD_PRELOAD" \
      PANTS_RUNTIME_DIR="$PANTS_RUNTIME_DIR" PANTS_PREX="$PANTS_PREX" "$P" $'one\ntwo' "" $'\xfe'; true`);
    expect(out).toContain(String.raw`environment B=\377\200`);
  });

  it("its working directory through a link, and $PWD", async () => {
    const real = join(ways.bed.work, "real");
    mkdirSync(real);
    symlinkSync(real, join(ways.bed.work, "link"));
    const out = await seen('cd link && "$P"', ways.bed.work);
    expect(out).toContain(`cwd ${real}\n`);
    expect(out).toContain(`environment PWD=${join(ways.bed.work, "link")}\n`);
  });

  it("its umask, limits, nice value and scheduling class", async () => {
    const limits =
      "ulimit -c 0; ulimit -Sn 200; ulimit -t 100; ulimit -v 8000000; ulimit -f 4000; ulimit -s 4096";
    const out = await seen(
      `umask 027; ${limits}; nice -n 3 "$P"; chrt -b 0 "$P"; chrt -i 0 "$P"; ionice -c 3 "$P"`,
    );
    expect(out).toContain("umask 27\n");
    expect(out).toMatch(/nice 3 class 0/);
    expect(out).toMatch(/class 3/);
  });

  it("its name: argv[0], whatever the path", async () => {
    expect(
      await seen('(exec -a "a b" "$P" x); (exec -a "" "$P"); cd "${P%/*}" && ./attributes-marked'),
    ).toContain("argument a b\n");
  });

  it("signals ignored and blocked", async () => {
    const blocked = `perl -MPOSIX -e 'sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGUSR1, SIGTERM)); exec @ARGV' "$P"`;
    expect(await seen(`trap "" PIPE HUP USR2; "$P"; ${blocked}`)).toMatch(/SigIgn:\s+[0-9a-f]*180[17]\n/);
  });

  it("whether it leads its group and its session", async () => {
    const parent = ways.probe("parent");
    const out = await seen(`"$P"; setsid -w "$P"; ${parent} spawn "$P"; set -m; "$P"`);
    expect(out).toContain("leads its session 0, its group 0");
    expect(out).toContain("leads its session 1, its group 1");
    expect(out).toContain("leads its session 0, its group 1");
  });

  it.skipIf(process.getuid?.() !== 0)("groups that its user's login does not give: root only", async () => {
    const script = 'setpriv --regid 65534 --clear-groups "$P"; setpriv --groups 50,65534 "$P"; true';
    const { stdout, migrated } = await ways.all(["/bin/bash", "-c", script], { env: { P: probe } });
    expect(migrated, "programs that ran elsewhere").toBe(0);
    expect(stdout).toMatch(/groups.* 50 65534/);
  });

  it("no sockets of this host's PANTS and ssh agent, unless asked", async () => {
    const { bed } = ways;
    const env = { SSH_AUTH_SOCK: "/agent.sock", PANTS_PREX: "/x" };
    const names = async (more: Record<string, string> = {}): Promise<string[]> => {
      const job = bed.start([`${bed.env["PREX"]}`, "--on", "far", "/usr/bin/env"], {
        env: { ...env, ...more },
      });
      return (await bed.finish(job)).stdout.split("\n").filter((line) => /^(SSH_AUTH|PANTS_)/.test(line));
    };
    expect(await names()).toEqual(
      ["PANTS_RUNTIME_DIR", "PANTS_CONFIG"].map((name) => `${name}=${bed.env[name]}`),
    );
    expect(await names({ PANTS_KEEP_ENV: "SSH_AUTH_SOCK,X" })).toContain("SSH_AUTH_SOCK=/agent.sock");
  });

  it("its locale", async () => {
    expect(await seen('LC_ALL=C.UTF-8 "$P"; LC_ALL=C "$P"')).toContain("locale C.UTF-8 UTF-8");
  });
});
