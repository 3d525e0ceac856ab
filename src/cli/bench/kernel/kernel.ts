/** A kernel, built in every way: the paper's section 3.3 and its figure 11, with today's tools beside it. */
import { type Experiment, Unavailable } from "../experiment.js";
import { asked, Bed, OPTIONS, type Size } from "./bed.js";
import { labVariants, type Variant } from "./variants.js";

const HOSTS = 4;
const CPUS = 0.5;

let bed: Bed | undefined;
let size: Size = { hosts: HOSTS, cpus: CPUS };
let chosen: readonly Variant[] = [];

export const kernel: Experiment = {
  name: "kernel",
  title: "A kernel build",
  about:
    "make vmlinux as typed by anyone, the compiler a marked copy. One host alone; PANTS with the compiler marked never; PANTS with each policy; other tools on the same hosts; and PANTS while a host is killed and another joins.",
  options: OPTIONS,
  variants: (settings) => asked(settings, labVariants(settings.policies)).map(({ name }) => name),
  setUp: async (settings) => {
    if (settings.place !== "lab") throw new Unavailable("the kernel build is run on a lab only");
    const { hosts, cpus = CPUS, policies } = settings;
    size = { hosts: typeof hosts === "number" ? hosts : HOSTS, cpus };
    chosen = labVariants(policies);
    bed = new Bed(settings);
    await bed.prepare();
  },
  run: async (name) => {
    const variant = chosen.find((one) => one.name === name);
    if (!bed || !variant) throw new Error(`no variant ${name}`);
    return bed.run(variant, size);
  },
  tearDown: async () => {
    await bed?.remove();
    bed = undefined;
  },
};
