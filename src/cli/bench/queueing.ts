/** What prexd's queue costs for each job, while many wait and hosts differ in speed. */
import { WorkMemory } from "../../core/kinds/memory.js";
import { Queue, type Waiting } from "../../helper/queue.js";
import type { Lease } from "../../wire/control.js";
import { markdown, type Section } from "./section.js";

interface Load {
  readonly waiting: number;
  readonly leases: number;
  /** Jobs may be sent ahead. */
  readonly ahead: boolean;
}

const HOSTS = 32;
const JOBS = 2000;
/** Between the ends of two jobs, ms. */
const TURN_MS = 8;
const FOR_EVER = 1e9;
const LOADS: readonly Load[] = [
  { waiting: 16, leases: 8, ahead: false },
  { waiting: 256, leases: 16, ahead: false },
  { waiting: 1000, leases: 64, ahead: false },
  { waiting: 1000, leases: 64, ahead: true },
];

const lease = (n: number): Lease => ({ id: `lease ${n}`, host: `host ${n % HOSTS}`, lifeMs: FOR_EVER });

/** Short jobs, no two alike; the same ones in every run. */
function job(id: number, ahead: boolean): Waiting {
  const cpuMs = 300 + ((id * 7919) % 400);
  return {
    id,
    excluded: new Set(),
    away: false,
    ahead,
    need: { cpuMs, waitMs: 0, ownMs: cpuMs, ioKb: 0, memoryMb: 20 },
  };
}

/** Microseconds for each job, from when it comes to when it is done, its effects not carried out. */
export function queueUs({ waiting, leases, ahead }: Load, jobs: number): number {
  const speeds = Object.fromEntries(
    Array.from({ length: HOSTS }, (_, n) => [`host ${n}`, [n % 3 === 0 ? -0.5 : 0, 9]]),
  );
  const queue = new Queue(FOR_EVER, new WorkMemory({ speeds, meanMs: 500 }));
  const running: string[] = [];
  let [now, granted, lastId] = [0, 0, 0];
  /** @param freed - lease whose job has just ended: of whoever waited there for that */
  const carryOut = (freed = ""): void => {
    for (let effects = queue.take(); effects.length > 0; effects = queue.take())
      for (const effect of effects) {
        if (effect.do === "assign" && !effect.ahead) running.push(effect.lease.id);
        if (effect.do === "follow") running.push(freed);
        if (effect.do !== "request") continue;
        const some = Array.from({ length: Math.min(effect.count, leases - granted) }, () => lease(granted++));
        if (some.length > 0) queue.granted(effect.id, some, now);
        else queue.denial(effect.id, 1000, "every suitable host is full", now);
      }
  };
  const add = (): void => {
    queue.add(job(++lastId, ahead), now);
    carryOut();
  };
  queue.slotsHere({ free: 0, taken: 2, total: 2, room: 0 }, now);
  for (let n = 0; n < waiting; n++) add();
  const startedAt = performance.now();
  for (let n = 0; n < jobs; n++) {
    now += TURN_MS;
    const first = running.shift();
    if (first === undefined) throw new Error("nothing runs");
    queue.freed(first, true, now);
    carryOut(first);
    add();
  }
  return (1000 * (performance.now() - startedAt)) / jobs;
}

export const queueing: Section = {
  name: "queue",
  title: "prexd's queue",
  run: () => {
    const rows = LOADS.map((load) => {
      queueUs(load, 200);
      const { waiting, leases, ahead } = load;
      return [`${waiting}${ahead ? ", some sent ahead" : ""}`, leases, queueUs(load, JOBS).toFixed(0)];
    });
    const about = `Jobs of 0.3 to 0.7 s, known hosts of two speeds, ${JOBS} jobs, one core; nothing is started.`;
    return Promise.resolve(`${about}\n\n${markdown(["jobs waiting", "leases", "µs a job"], rows)}`);
  },
};
