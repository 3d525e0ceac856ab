/** A directory that one host has from the other one by sshfs, which keeps caches of its own. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../src/io/paths.js";
import type { Result } from "../../src/lab/command.js";
import type { Lab } from "../../src/lab/lab.js";
import { cluster, missing } from "./cluster.js";

const lacking = ((): string => {
  if (spawnSync("sshfs", ["--version"]).status !== 0) return "sshfs is not installed";
  return existsSync("/dev/fuse") ? "" : "no /dev/fuse";
})();
if (lacking !== "") console.warn(`tests with sshfs are skipped: ${lacking}`);

const ROUNDS = [1, 2, 3, 4];

describe.skipIf(missing !== "" || lacking !== "")("a directory that is there by sshfs", () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await cluster({ hosts: 2, cpus: 0.5 });
  });
  afterAll(() => lab.down());

  /** A folder that `client` has from the other host. */
  const mounted = async (name: string, client: "n1" | "n2", ...options: string[]): Promise<string> => {
    const folder = join(lab.folder, name);
    mkdirSync(folder);
    const server = client === "n1" ? "n2" : "n1";
    const ssh = `ssh_command=ssh -F ${join(lab.folder, "ssh_config")}`;
    const argv = ["sshfs", "-o", ssh, ...options, `${server}:${folder}`, folder];
    expect(await lab.host(client).run(argv)).toMatchObject({ status: 0, stderr: "" });
    return folder;
  };
  const onHome = (cwd: string, script: string): Promise<Result> =>
    lab.host("n1").run(["sh", "-c", script, join(packageRoot, "bin", "prex")], { cwd, timeoutMs: 30_000 });

  it.each([
    ["there", "n2"],
    ["here", "n1"],
  ] as const)(
    "is not used with its defaults, by which old sizes are seen for 20 s: %s",
    async (where, client) => {
      const folder = await mounted(`caches-${where}`, client);
      for (const round of ROUNDS) {
        const script = `seq ${round} >in; "$0" --on n2 sh -c 'wc -l <in; hostname; seq ${round} >out' in; wc -l <out`;
        const { status, stdout, stderr } = await onHome(folder, script);
        expect([status, stdout]).toEqual([0, `${round}\nn1\n${round}\n`]);
        expect(stderr).toBe(
          `prex: running sh here: refused: fuse.sshfs ${where} caches what other hosts write\n`,
        );
      }
    },
  );

  it.each([
    ["there", "n2"],
    ["here", "n1"],
  ] as const)(
    "is used without its caches, and both hosts see the latest of each file: %s",
    async (where, client) => {
      const folder = await mounted(`prompt-${where}`, client, "-o", "dir_cache=no");
      for (const round of ROUNDS) {
        const script = `seq ${round} >in; "$0" --on n2 sh -c 'wc -l <in; hostname; seq ${round} >out' in; wc -l <out`;
        const ran = await onHome(folder, script);
        expect(ran).toMatchObject({ status: 0, stdout: `${round}\nn2\n${round}\n`, stderr: "" });
      }
      expect(readdirSync(folder).filter((name) => name.startsWith(".pants-"))).toEqual([]);
    },
  );

  it("is known by its names where each host has inodes of its own", async () => {
    const folder = await mounted("names", "n2", "-o", "dir_cache=no");
    mkdirSync(join(folder, "deep", "er"), { recursive: true });
    writeFileSync(join(folder, "deep", "er", "file"), "1\n");
    const named = `${folder}/deep ${folder}/deep/er/file ${folder}/new`;
    const ran = await onHome(folder, `"$0" --on n2 sh -c 'hostname; ls -d "$@"; : >"$3"' sh ${named}`);
    expect(ran).toMatchObject({ stdout: `n2\n${folder}/deep\n${folder}/deep/er/file\n`, signal: null });
    expect(existsSync(join(folder, "new"))).toBe(true);
  });
});
