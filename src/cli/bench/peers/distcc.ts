/** distcc: this host preprocesses and sends the result away; with pump the others preprocess too. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "../../../lab/host.js";
import { type Peer, pathOf, type Setting, type Typed, writableFile } from "./peer.js";

/** Debian's folder of links that stand for compilers. */
const LINKS = "/usr/lib/distcc";
const PORT = 3632;
/** Under way at a time on each other host, so that none runs dry while the next job is on its way. */
const UNDER_WAY = 2;

async function setUp({ lab, cpus }: Setting, pump: boolean): Promise<Typed> {
  const [, ...others] = lab.hosts;
  const jobs = Math.max(1, Math.ceil(cpus)) + UNDER_WAY;
  for (const host of others) await startDistccd(host, jobs);
  const folder = join(lab.folder, "distcc");
  mkdirSync(folder);
  const options = pump ? ",lzo,cpp" : ",lzo";
  const hosts = [
    `localhost/${Math.max(1, Math.ceil(cpus))}`,
    ...others.map(({ address }) => `${address}/${Math.max(1, Math.ceil(cpus)) * UNDER_WAY}${options}`),
  ];
  return {
    // distcc-pump puts its own folder in front of PATH, so that links that stand for compilers are not seen.
    ...(pump ? { before: ["distcc-pump"], after: ["CC=distcc gcc"] } : { before: [] }),
    env: { PATH: pathOf(LINKS), DISTCC_DIR: folder, DISTCC_HOSTS: hosts.join(" ") },
  };
}

async function startDistccd(host: Host, jobs: number): Promise<void> {
  const log = writableFile(join(host.folder, "distccd.log"));
  const done = await host.run([
    ...["distccd", "--daemon", "--enable-tcp-insecure", "--user", "nobody", "--nice", "0"],
    ...["--allow", "0.0.0.0/0", "--port", String(PORT), "--jobs", String(jobs)],
    ...["--log-file", log],
  ]);
  if (done.status !== 0) throw new Error(`distccd on ${host.name}: ${done.stderr}${host.log("distccd.log")}`);
}

const needs = { distcc: "distcc", distccd: "distcc" };

export const distcc: Peer = { name: "distcc", needs, setUp: (setting) => setUp(setting, false) };
export const pump: Peer = {
  name: "distcc pump",
  needs: { ...needs, "distcc-pump": "distcc-pump" },
  setUp: (setting) => setUp(setting, true),
};
