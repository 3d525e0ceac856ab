/** icecream: this host preprocesses, a scheduler chooses where the rest is compiled, with a compiler that is sent along. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tool } from "../../../lab/command.js";
import type { Host } from "../../../lab/host.js";
import { until } from "../../../lab/wait.js";
import { type Peer, pathOf, type Setting, type Typed, writableFile } from "./peer.js";

/** Debian's folder of links that stand for compilers. */
const LINKS = "/usr/lib/icecc/bin";
const NETWORK = "pants-bench";
/** Made by Debian's package. */
const USER = "icecc";

async function setUp({ lab, cpus }: Setting): Promise<Typed> {
  const [home] = lab.hosts;
  if (!home) throw new Error("icecream needs a host");
  const log = writableFile(join(home.folder, "icecc-scheduler.log"));
  home.start(["icecc-scheduler", "-n", NETWORK, "-u", USER, "-vvv", "-l", log], { stdio: "ignore" });
  const jobs = String(Math.max(1, Math.ceil(cpus)));
  for (const host of lab.hosts) startDaemon(host, home, jobs);
  await until(
    "icecream's daemons to log in",
    () => lab.hosts.every(({ name }) => home.log("icecc-scheduler.log").includes(`login ${name} `)),
    { ms: 30_000, every: 100 },
  );
  // The system's compiler: the daemon packs it as a user who may not read the marked copy's folder. That takes
  // seconds, once: before the time, as all that is set up.
  const env = { PATH: pathOf(LINKS) };
  const source = join(lab.folder, "icecream.c");
  writeFileSync(source, "int first;\n");
  const first = await home.run(["gcc", "-c", source, "-o", join(lab.folder, "icecream.o")], { env });
  if (first.status !== 0) throw new Error(`icecream's first compile: ${first.stderr}`);
  return { before: [], env };
}

function startDaemon(host: Host, home: Host, jobs: string): void {
  const environments = join(host.folder, "icecc");
  mkdirSync(environments);
  tool("chown", [USER, environments]);
  host.start(
    [
      ...["iceccd", "-n", NETWORK, "-s", home.address, "-N", host.name, "-m", jobs, "-u", USER],
      ...["-b", environments, "-l", writableFile(join(host.folder, "iceccd.log"))],
    ],
    { stdio: "ignore" },
  );
}

export const icecream: Peer = {
  name: "icecream",
  needs: { icecc: "icecc", iceccd: "icecc", "icecc-scheduler": "icecc" },
  setUp,
};
