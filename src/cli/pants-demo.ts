/** `make demo`: real C sources, a plain Makefile, three hosts of half a core each, with and without PANTS. */
import { native } from "../io/native.js";
import { Lab } from "../lab/lab.js";
import type { Built } from "./demo/build.js";
import { finish, prex, startBuild } from "./demo/build.js";
import type { Decided } from "./demo/compiles.js";
import { decided } from "./demo/compiles.js";
import { ready } from "./demo/ready.js";
import { report, verdict } from "./demo/report.js";
import { watchBuild } from "./demo/view.js";
import { Workspace } from "./demo/workspace.js";

const HOSTS = 3;
const CPUS = 0.5;

async function build(lab: Lab, work: Workspace, pants: boolean): Promise<Built> {
  const out = pants ? "with" : "without";
  console.log(`\nn1$ ${pants ? "LD_PRELOAD=libprex.so " : ""}make -j8`);
  const view = watchBuild(lab, process.stdout);
  try {
    return await finish(startBuild(lab, work, out, pants), work, out);
  } finally {
    const seconds = view.stop();
    console.log(`${seconds.toFixed(1).padStart(6)} s  done`);
  }
}

/** One program by hand; it also starts what stays resident from then on. */
async function byHand(lab: Lab): Promise<void> {
  console.log("\nn1$ prex uname -n");
  const { stdout, stderr, ms } = await lab.host("n1").run([prex, "uname", "-n"]);
  console.log(`${stdout.trim()}\n${stderr}  (${ms.toFixed(0)} ms, of which most went into the first start)`);
}

async function main(): Promise<number> {
  const lab = await Lab.up({ hosts: HOSTS, cpus: CPUS });
  const interrupt = (): void => void lab.down();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, interrupt);
  const work = new Workspace();
  try {
    console.log(`pants demo: ${lab.notIsolated || `${HOSTS} hosts of ${CPUS} core each on this machine`}`);
    const plain = await build(lab, work, false);
    await ready(lab);
    await byHand(lab);
    const [since, cpu] = [native.bootTimeNs(), lab.hosts.map((host) => host.cpuSeconds())];
    const pants = await build(lab, work, true);
    const went: Decided = decided(lab, "n1", since, "/toolchain/bin/gcc");
    const used = lab.hosts.map((host, i) => host.cpuSeconds() - (cpu[i] ?? 0));
    console.log(report(lab, plain, pants, went, used));
    const wrong = verdict(plain, pants, went);
    for (const line of wrong) console.error(`pants demo: ${line}`);
    return wrong.length === 0 ? 0 : 1;
  } finally {
    await lab.down();
    work.remove();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`pants demo: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
