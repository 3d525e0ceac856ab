/** A kernel, built in every way: the paper's section 3.3 and its figure 11, with today's tools beside it. */
import type { Experiment } from "../experiment.js";
import { onLab } from "../lab-runs.js";
import { Bed, OPTIONS } from "./bed.js";
import { labVariants } from "./variants.js";

const HOSTS = 4;
const CPUS = 0.5;

export const kernel: Experiment = {
  name: "kernel",
  title: "A kernel build",
  about:
    "make vmlinux as typed by anyone, the compiler a marked copy. One host alone; PANTS with the compiler marked never; PANTS with each policy; other tools on the same hosts; and PANTS while a host is killed and another joins.",
  options: OPTIONS,
  variants: (settings) => labVariants(settings.policies).map(({ name }) => name),
  ...onLab("the kernel build is run on a lab only", (settings) => {
    const { hosts, cpus = CPUS, policies } = settings;
    const size = { hosts: typeof hosts === "number" ? hosts : HOSTS, cpus };
    const all = labVariants(policies);
    const bed = new Bed(settings);
    return {
      prepare: () => bed.prepare(),
      run: (name) => {
        const variant = all.find((one) => one.name === name);
        if (!variant) throw new Error(`no variant ${name}`);
        return bed.run(variant, size);
      },
      remove: () => bed.remove(),
    };
  }),
};
