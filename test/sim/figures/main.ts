/** Measures everything by simulation and writes the section in docs/protocol.md. The same seeds, the same figures. */
import { type Failover, failovers } from "./failover.js";
import { herd, type Placement } from "./herd.js";
import { writeFigures } from "./page.js";
import { rates } from "./rates.js";
import {
  electionTable,
  type FailoverRow,
  failoverTable,
  type HerdRow,
  herdTable,
  type RatesRow,
  ratesTable,
} from "./tables.js";

const sizes = [10, 100, 1000, 10_000];
/** How often the leader is killed: so many clusters, so many times in each. */
const kills: Readonly<Record<number, readonly [clusters: number, each: number]>> = {
  10: [4, 50],
  100: [4, 50],
  1000: [4, 25],
  10_000: [3, 10],
};
const losses = [0, 0.1];
const rateRows = [
  { jobsPerSecond: 0, loss: 0 },
  { jobsPerSecond: 1000, loss: 0 },
  { jobsPerSecond: 0, loss: 0.1 },
];
const placements: readonly Placement[] = ["shim", "away", "random", "reports"];
const herdSeconds = 100;

function measureFailovers(): FailoverRow[] {
  return sizes.flatMap((hosts) =>
    losses.map((loss) => {
      const [clusters, each] = kills[hosts] ?? [1, 1];
      const runs: Failover[] = [];
      for (let seed = 1; seed <= clusters; seed++) runs.push(...failovers({ hosts, loss, seed }, each));
      console.error(`failover: ${hosts} hosts, loss ${loss}`);
      return { hosts, loss, runs };
    }),
  );
}

function measureRates(): RatesRow[] {
  return rateRows.flatMap(({ jobsPerSecond, loss }) =>
    sizes.map((hosts) => {
      const measured = rates({ hosts, seed: 1, jobsPerSecond, loss, settleMs: 70_000, seconds: 20 });
      console.error(`datagrams: ${hosts} hosts, ${jobsPerSecond} jobs/s, loss ${loss}`);
      return { hosts, jobsPerSecond, loss, rates: measured };
    }),
  );
}

function measureHerd(): HerdRow[] {
  return placements.map((placement) => {
    const row = {
      placement,
      herd: herd({ seed: 1, hosts: 100, load: 0.8, seconds: herdSeconds, placement }),
    };
    console.error(`herd: ${placement}`);
    return row;
  });
}

function section(): string {
  const failover = measureFailovers();
  return `### Figures

By simulation: \`make figures\` measures again and writes this section. It runs the production core with its default
timers, messages as objects. A datagram takes 0.2 to 1.2 ms, uniformly, and is lost with the probability given, to each
receiver of a multicast on its own; processing takes no time. Of ten hosts nine are free, with 4 slots each; the others
are busy throughout.

**The leader is killed.** Seconds until a client has the next grant that it asked for after the kill, and until every
free host follows one new leader: median, 99th percentile. The client asks its pantsd every 50 ms, which remembers
denials as always, and gives back at once what it gets. One sits on a free host, one on a busy host, which learns of a
leader only by asking.

${failoverTable(failover)}

What that costs: datagrams that all hosts send from the kill until all agree, a multicast counted once; what a free host
receives meanwhile (the mean of all of them), and what the new leader does, first reports among it: median, most.

${electionTable(failover)}

**Datagrams a second** that reach and leave one host, over 20 s after 70 s of rest; for free and busy hosts the mean. Jobs
start at random hosts (Poisson), each by \`prex\`, so that every one needs a lease. prexd keeps leases and gives them
back by its production queue, so that REQUESTs are fewer than jobs. Jobs last 0.5 s, less where they would take more than
70 % of the slots. Unsolicited: what all busy hosts received in that time that was no GRANT, DENY, LEASES or ROWS. The
last columns: sent in the whole cluster each second. CLAIMs at rest come from hosts that missed three ADVERTs; the leader
answers each.

${ratesTable(measureRates())}

**A herd.** 100 free hosts with 400 slots, 80 % of them needed: jobs of 1 s CPU time on average, exponential, start at
random hosts (Poisson) for ${herdSeconds} s. Running jobs share the 4 CPUs of a host evenly, each one CPU at most. The slot
table refuses a guest when every slot is taken; pantsd hears of what agents do to it at once, and sees what programs of
its own host do when it looks, every 50 ms. A job that finds no slot waits as with prexd: for a lease or a slot at home,
30 s at most, or it runs at home as soon as the cluster denies and nothing of ours would end; so it does after 4
refusals. At home it runs in a slot if one is free, else without. Links are up, and a job elsewhere costs one datagram's
time each way. The omniscient scheduler has the same arrivals, starts each in the first slot that is free, first come
first served, and pays nothing for it. The two other ways have the shim and the executors, and no leases.

${herdTable(measureHerd())}
`;
}

writeFigures("docs/protocol.md", section());
