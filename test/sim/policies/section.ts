/** The section of docs/load.md: what was simulated, under which assumptions, and what came out. */
import {
  type Bounds,
  type MicroRow,
  type MixedRow,
  microTable,
  mixedTable,
  type SwingRow,
  swingTable,
} from "./tables.js";

export interface Measured {
  readonly micro: readonly MicroRow[];
  readonly swings: readonly SwingRow[];
  readonly mixed: readonly MixedRow[];
  readonly bounds: Bounds;
}

export function section({ micro, swings, mixed, bounds }: Measured): string {
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

**Mixed work on hosts that differ**: speeds 1 (home), 1, 2 and 4; each has two CPUs and two slots, 1 GiB of which 896 MiB are free, and a
disk of 150 MiB/s. 60 jobs in random order, each by up to 15 % off its kind in everything: renders (20 s or 60 s of CPU time
at speed 1), packs (1 or 3 GB read and written, 2 or 5 s), links (10 or 25 s with 300 or 600 MiB of memory, gone through once a
second). All are started at home, 12 at a time as \`make -j12\` does, or all at once. A first round of 60 others of the same kinds teaches
prexd, and is not counted; a minute later the second one is. Without kinds prexd learns nothing: the paper's way. prexd
learns what rusage and the clock tell of jobs that ran elsewhere; it is told no speed and no need, and plans the second round. Jobs are not
sent ahead in this model. The omniscient scheduler knows every job and the model, and pays nothing: the best of four list schedules (longest, most computing, most reading and writing, most memory first), each
bettered by 1,000 steps of local search, where each host starts the first of its jobs that fits its memory and of those that live by
the disk one at a time. The one that knows only what has been started knows the same of those jobs, and plans again by 400 such steps whenever one is
started or ends. No schedule is shorter than the CPU time on all CPUs, the reading and writing on all disks, or the longest job alone.

${mixedTable(mixed, bounds)}

\`multi\` is slow because a busy cluster has no leader, so that jobs fall back on home, and there they page. With 12 at a time
nobody can know the jobs that come later, as the omniscient scheduler does: most of the distance from it is that, as the row of the one that does not know
them shows. prexd finds out how much memory another host has when that
refuses a job, and its plan does not count that jobs which share a disk take longer than alone. Home may run a job of the disk beside
its slots, which the omniscient scheduler with two jobs at a time may not.

Over 20 seeds (of 2026-11-29) the last policy's rows are +18 % and +13 %. (On 2026-11-30 they are 137.6 and 132.8 s on average, and
139.0 and 134.0 without what lets jobs run beside the slots after 2 s and more; the rows without kinds of work know nothing of any job, ever, and are
longer with it.) Told every job's needs and every host's speed, the same plan comes to +16 % and
+13 %; told every host's memory with the grant, or trying five times as many changes, to no less than it is. Tried
and not kept, over 20 seeds or more: to plan as if a job like the last ones came whenever one ends, and other weights for how soon each ends,
bring nothing beyond the spread; to count that jobs share a disk makes it longer. The omniscient scheduler's search is not at its end: with ten
times as many steps it is 1.4 % shorter (115 s, the five seeds), so that the last policy's rows are +18 % and +13 % there. Given 12 jobs at a time as well, in a model that was not kept, it needs 115 and 118 s there,
hardly more. Against the one that knows only what has been started, the last policy's rows are +5 % and +13 % (five seeds).

`;
}
