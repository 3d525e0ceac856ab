/** The same build on one host and on more: hosts of a quarter of a core each, so that one machine has many. */
import type { Experiment } from "./experiment.js";
import { Bed, JOBS, OPTIONS } from "./kernel/bed.js";
import { onLab } from "./lab-runs.js";

const CPUS = 0.25;
const CPUS_SMALL = 0.5;
const SIZES = [1, 2, 4, 8];
const SIZES_SMALL = [1, 2];

/** Under way at a time, for each host: what four hosts have with make -j8. */
const JOBS_EACH = 2;

const words = (hosts: number): string => `${hosts} ${hosts === 1 ? "host" : "hosts"}`;

export const scaling: Experiment = {
  name: "scaling",
  title: "A kernel build on more and more hosts",
  about: `make vmlinux, -j8 on up to 4 hosts and -j16 on 8, on 1 to ${SIZES.at(-1) ?? 1} hosts of ${CPUS} of a core each; one host is without PANTS.`,
  options: OPTIONS,
  variants: (settings) => (settings.small ? SIZES_SMALL : SIZES).map(words),
  ...onLab("a cluster has as many hosts as it has", (settings) => {
    const cpus = settings.cpus ?? (settings.small ? CPUS_SMALL : CPUS);
    const policy = settings.policies.at(-1) ?? "adaptive";
    const bed = new Bed(settings);
    return {
      prepare: () => bed.prepare(),
      run: (name) => {
        const hosts = Number.parseInt(name, 10);
        const variant = hosts === 1 ? { name, alone: true } : { name, pants: { policy, never: false } };
        return bed.run(variant, { hosts, cpus, jobs: Math.max(JOBS, JOBS_EACH * hosts) });
      },
      remove: () => bed.remove(),
    };
  }),
};
