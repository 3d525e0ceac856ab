/**
 * What whoever knows every job and every host in advance, and pays nothing for placing them, would need: the best of
 * several list schedules, each bettered by local search, tried on the same model of the hosts. And a bound that no
 * schedule can beat.
 */

import type { Random } from "../../../src/core/events.js";
import { most } from "../figures/stats.js";
import { randomFrom } from "../random.js";
import { Engine } from "./engine.js";
import { aloneMs, type HostModel, type Work } from "./model.js";

export interface OmniscientOptions {
  readonly works: readonly Work[];
  readonly hosts: readonly HostModel[];
  /** Jobs at a time on each host; as many as its memory and disk can take when null. */
  readonly slots: number | null;
  /** Changes that the local search tries. */
  readonly tries: number;
  readonly seed: number;
}

/** Plans are tried with turns so many times longer, the best one as everything else is. */
const coarse = 10;
/** Streams to one disk at a time, of jobs that do little else. */
const streamsMax = 1;
const unlimited = 8;

export function omniscientMs({ works, hosts, slots, tries, seed }: OmniscientOptions): number {
  const limit = slots ?? unlimited;
  const lengthOn =
    (turns: number): Length =>
    (jobs, index) =>
      endMs(new Engine(hosts[index] as HostModel, 0, turns), jobs, limit);
  const random = randomFrom(seed);
  let best: Work[][] = [];
  let bestMs = Number.POSITIVE_INFINITY;
  for (const rank of ranks) {
    const order = [...works].sort((a, b) => rank(b) - rank(a));
    const search = { length: lengthOn(coarse), tries: tries / ranks.length, random, early: 0 };
    const plan = better(listed(order, hosts, limit), search);
    const ms = most(plan.map(lengthOn(coarse)));
    if (ms < bestMs) [best, bestMs] = [plan, ms];
  }
  return most(best.map(lengthOn(1)));
}

/**
 * What whoever knows every host, and every job from when it is started, but not what comes later, would need: it plans again, on the
 * same model, whenever a job is started or ends.
 * @param parallel - jobs under way at a time: the next one is started when one ends
 * @param early - see Search
 */
export function unforeseeingMs(
  { works, hosts, slots, tries, seed }: OmniscientOptions,
  parallel: number,
  early: number,
): number {
  const limit = slots ?? unlimited;
  const random = randomFrom(seed);
  const engines = hosts.map((host) => new Engine(host));
  let plan = hosts.map((): Work[] => []);
  const length: Length = (jobs, index) => endMs((engines[index] as Engine).copy(coarse), jobs, limit);
  let [started, ended] = [0, 0];
  while (ended < works.length) {
    const come = works.slice(started, ended + parallel);
    started += come.length;
    for (const work of come) plan = placed(plan, work, length, early);
    plan = better(plan, { length, tries, random, early });
    for (const [index, engine] of engines.entries())
      startSome(engine, plan[index] ?? [], limit, () => {
        ended += 1;
      });
    const before = ended;
    while (ended === before) {
      const to = Math.min(...engines.map((engine) => engine.nextAt()));
      for (const engine of engines) engine.advance(to);
    }
  }
  return most(engines.map(({ now }) => now));
}

/** No host computes faster than its CPUs, none reads faster than its disk, and no job is faster than alone. */
export function boundMs(works: readonly Work[], hosts: readonly HostModel[]): number {
  const sum = (of: readonly number[]): number => of.reduce((a, b) => a + b, 0);
  const cpu = sum(works.map((work) => work.cpuMs)) / sum(hosts.map(({ cpus, speed }) => cpus * speed));
  const disk = sum(works.map((work) => work.ioMb)) / sum(hosts.map(({ diskMbps }) => diskMbps / 1000));
  const longest = most(works.map((work) => Math.min(...hosts.map((host) => aloneMs(work, host)))));
  return Math.max(cpu, disk, longest);
}

/** Orders of the list: longest first, most computing, most reading and writing, most memory. */
const ranks: readonly ((work: Work) => number)[] = [
  ({ cpuMs, ioMb }) => cpuMs + ioMb * 6,
  ({ cpuMs }) => cpuMs,
  ({ ioMb }) => ioMb,
  ({ memoryMb }) => memoryMb,
];

/** Each job in turn to the host that, by its CPUs, its disk and its slots, would have done all its jobs first. */
function listed(order: readonly Work[], hosts: readonly HostModel[], limit: number): Work[][] {
  const plan = hosts.map((): Work[] => []);
  const used = hosts.map(() => ({ cpu: 0, disk: 0, alone: 0 }));
  for (const work of order) {
    const after = hosts.map((host, index) => {
      const { cpu, disk, alone } = used[index] ?? { cpu: 0, disk: 0, alone: 0 };
      const then = {
        cpu: cpu + work.cpuMs / host.speed / host.cpus,
        disk: disk + (1000 * work.ioMb) / host.diskMbps,
        alone: alone + aloneMs(work, host) / limit,
      };
      return { then, ms: Math.max(then.cpu, then.disk, then.alone) };
    });
    const index = after.reduce((least, { ms }, i) => (ms < (after[least]?.ms ?? 0) ? i : least), 0);
    plan[index]?.push(work);
    used[index] = after[index]?.then ?? { cpu: 0, disk: 0, alone: 0 };
  }
  return plan;
}

/** When a host would have done these. */
type Length = (jobs: readonly Work[], index: number) => number;

interface Search {
  readonly length: Length;
  readonly tries: number;
  readonly random: Random;
  /** What it counts how early each host ends, beside how early the last one does. */
  readonly early: number;
}

const cost = (lengths: readonly number[], early: number): number =>
  most(lengths) + early * lengths.reduce((a, b) => a + b, 0);

/** Local search: a job of the host that ends last (or of any, if it counts how early each ends) goes to another place, or changes it with another job. */
function better(start: Work[][], { length, tries, random, early }: Search): Work[][] {
  const draw = (below: number): number => Math.floor(random() * below);
  let plan = start;
  let lengths = plan.map(length);
  for (let round = 0; round < tries; round++) {
    const last = early > 0 && random() < 0.5 ? draw(plan.length) : lengths.indexOf(most(lengths));
    const from = plan[last] ?? [];
    const to = draw(plan.length);
    const next = plan.map((jobs) => [...jobs]);
    const at = draw(from.length);
    const [moved] = next[last]?.splice(at, 1) ?? [];
    if (!moved) continue;
    const target = next[to] ?? [];
    const place = draw(target.length + 1);
    if (random() < 0.5 && to !== last && place < target.length) {
      const [back] = target.splice(place, 1, moved);
      if (back) next[last]?.splice(at, 0, back);
    } else target.splice(place, 0, moved);
    const tried = lengths.map((ms, index) =>
      index === last || index === to ? length(next[index] ?? [], index) : ms,
    );
    if (cost(tried, early) > cost(lengths, early)) continue;
    plan = next;
    lengths = tried;
  }
  return plan;
}

/** One more job, behind the others of the host where that costs least. */
function placed(plan: Work[][], work: Work, length: Length, early: number): Work[][] {
  const lengths = plan.map(length);
  const costs = plan.map((jobs, host) => {
    const ms = length([...jobs, work], host);
    return cost(
      lengths.map((other, index) => (index === host ? ms : other)),
      early,
    );
  });
  const host = costs.indexOf(Math.min(...costs));
  return plan.map((jobs, index) => (index === host ? [...jobs, work] : jobs));
}

/** When one host has done what runs there and these: each starts as soon as there is room for it, in their order. */
function endMs(engine: Engine, jobs: readonly Work[], limit: number): number {
  const waiting = [...jobs];
  startSome(engine, waiting, limit);
  while (engine.running.size > 0) {
    const { size } = engine.running;
    engine.advance(engine.nextAt());
    if (engine.running.size < size) startSome(engine, waiting, limit);
  }
  return engine.now;
}

/** Starts those that there is room for; they are waiting no longer. */
function startSome(engine: Engine, waiting: Work[], limit: number, ended = (): void => undefined): void {
  const { host } = engine;
  const fits = (work: Work): boolean => {
    const running = [...engine.running].map((task) => task.work);
    const memory = running.reduce((sum, { memoryMb }) => sum + memoryMb, work.memoryMb);
    const streams = running.filter((other) => reads(other, host)).length;
    return memory <= host.memoryMb - host.systemMb && (!reads(work, host) || streams < streamsMax);
  };
  for (let index = 0; index < waiting.length && engine.running.size < limit; ) {
    const work = waiting[index] as Work;
    if (engine.running.size > 0 && !fits(work)) index += 1;
    else {
      waiting.splice(index, 1);
      engine.start(work, false, ended);
    }
  }
}

/** Waits for the disk most of its time. */
function reads({ cpuMs, ioMb }: Work, { speed, diskMbps }: HostModel): boolean {
  return (1000 * ioMb) / diskMbps > cpuMs / speed;
}
