/** The section of docs/load.md: what was simulated, under which assumptions, and what came out. */
import { type MicroRow, microTable, type SwingRow, swingTable } from "./tables.js";

export interface Measured {
  readonly micro: readonly MicroRow[];
  readonly swings: readonly SwingRow[];
}

export function section({ micro, swings }: Measured): string {
  return `By simulation: \`make figures\` measures again and writes this section; means of five seeds. Production code are the
policies with their shipped settings, the load watch, prexd's queue, and the core that finds the leader and grants leases. The
rest is a model:

- A program alternates between computing, waiting for what was paged out, and reading and writing, in turns of 0.1 s or less. Each
  computes on one CPU at most, in 1/speed of the time that it takes on a CPU of speed 1; those that compute share the CPUs evenly.
- The disk serves its streams evenly. One gets all of its throughput; two together 70 % of it, four 44 %, since it seeks.
  Nothing is cached: what a program reads and writes goes to the disk of the host that it runs on.
- A program takes its memory over the first tenth of its CPU time, and goes through it steadily. What is more than a host has is
  missed in proportion, and each page that comes in drives another one out, both at the speed of the disk. There is always swap.
- A request to the disk moves 128 KiB, and costs two context switches and an interrupt. Some task waits for the disk as long as any
  reads, writes or pages; for memory as long as any pages. A host's own services add a little noise to each index.
- Links are up, files are the same everywhere, and a job elsewhere costs a datagram's time each way.

**The paper's micro benchmarks** (section 3.2) on four equal hosts. A parent on one host starts four children, one every 30 s; each
takes about two minutes on an idle host, so that all four run at once. The paper's interval is five minutes; how long a child
took it does not say. The paper's hosts: one CPU, 64 MiB of memory of which 44 are free, a disk of 20 MiB/s. CPU: computes. I/O: copies
384 MB three times. Memory: goes through 100 MB, again and again. Today's hosts: four CPUs, 1 GiB of which 896 MiB are free, a
disk of 150 MiB/s; the I/O child copies as much more, the memory child computes on 600 MiB. Every host has four slots, as
many as there are children: the paper has none, and the policies alone shall decide. (With a slot for each CPU, as shipped,
the paper's hosts send three of four children away under every policy.) Mean and standard deviation over the hosts: of the index
that the benchmark loads, while all four children run.

${microTable(micro)}

**A load that swings around a threshold**, beside no job, on one of four hosts: the most changes of that host between the free group
and none in any of five minutes, and the share of the time that it was out of the group. Owner first is off, which has a residence of
its own. Around 95 %: a second of 92 and one of 98, or 2 s of 100 and 0.7 s of 10. Around 6,000: a second of 5,000 and one of 7,000, or
0.7 s of 400,000 and 2 s of 3,000. The disk streams for 0.7 s and rests for 2, or 7 s each.

${swingTable(swings)}

`;
}
