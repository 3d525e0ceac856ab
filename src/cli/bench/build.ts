/** The demo's build on four hosts beside the same on one. */
import { native } from "../../io/native.js";
import { Lab } from "../../lab/lab.js";
import { finish, startBuild } from "../demo/build.js";
import { decided } from "../demo/compiles.js";
import { ready } from "../demo/ready.js";
import { differences, Workspace } from "../demo/workspace.js";
import type { Section } from "./section.js";
import { markdown } from "./section.js";

const HOSTS = 4;
const CPUS = 0.5;

async function run(): Promise<string> {
  const lab = await Lab.up({ hosts: HOSTS, cpus: CPUS });
  const work = new Workspace();
  try {
    const one = await finish(startBuild(lab, work, "one", false), work, "one");
    await ready(lab);
    const since = native.bootTimeNs();
    const all = await finish(startBuild(lab, work, "all", true), work, "all");
    const went = decided(lab, "n1", since, "/toolchain/bin/gcc");
    const different = differences(one.outputs, all.outputs);
    if (different.length > 0) throw new Error(`outputs differ: ${different.join(", ")}`);
    const seconds = (ms: number): string => (ms / 1000).toFixed(1);
    const count = one.outputs.size;
    const rows = [
      ["`make -j8`, one host", seconds(one.ms), "1.00", `${count} / 0`],
      [
        `\`LD_PRELOAD=libprex.so make -j8\`, ${HOSTS} hosts`,
        seconds(all.ms),
        (one.ms / all.ms).toFixed(2),
        `${count - went.remote} / ${went.remote}`,
      ],
    ];
    const hosts = [...went.byHost].map(([name, jobs]) => `${name} ${jobs}`).join(", ");
    const text = `${count} C files of tree-sitter grammars, hosts of ${CPUS} core each. Outputs are equal, byte for byte.`;
    return `${text}\n\n${markdown(["", "seconds", "times as fast", "compiles at home / elsewhere"], rows)}\n\nCompiles by host: ${hosts}.`;
  } finally {
    await lab.down();
    work.remove();
  }
}

export const build: Section = { name: "build", title: "A build on four hosts", run };
