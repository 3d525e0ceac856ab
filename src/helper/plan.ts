/**
 * Which job starts next on which host, so that all that wait end soon: a list schedule, the longest job first, each where it
 * ends first; then bettered by some changes at random, and kept from one time to the next. Pure, and as good as what is
 * expected of the jobs.
 */
import { durationMs } from "../core/kinds/need.js";
import { type Place, type Planned, type Timeline, timeline } from "./timeline.js";

/** Jobs and hosts that are looked at. */
const jobsMax = 64;
const placesMax = 16;
/** Changes that are tried each time, at most; and times so many jobs as wait, so that a long queue costs no more. */
const triesMax = 400;
const triesAndJobs = 12_000;
/** Share of changes to the host that ends last. */
const toLast = 0.7;
/** What it is worth that each ends soon, beside that the last one does. */
const flowWeight = 0.1;

interface Row<P extends Planned> {
  readonly place: Place;
  jobs: readonly P[];
  line: Timeline<P>;
}

export class Plan<P extends Planned> {
  /** By host: jobs in their order. */
  #orders = new Map<string, readonly P[]>();
  #state = 1;

  /** @returns which of them start now, by host */
  make(waiting: readonly P[], places: readonly Place[], now: number): ReadonlyMap<string, readonly P[]> {
    const jobs = waiting.slice(0, jobsMax);
    const rows = this.#kept(jobs, places.slice(0, placesMax), now);
    const planned = new Set(rows.flatMap((row) => row.jobs));
    const fresh = jobs.filter((job) => !planned.has(job));
    for (const job of fresh.sort((a, b) => durationMs(b.need, 1) - durationMs(a.need, 1)))
      insert(rows, job, now);
    const tries = rows.length > 1 ? Math.min(triesMax, triesAndJobs / jobs.length) : 0;
    for (let n = 0; n < tries; n++) this.#change(rows, now);
    this.#orders = new Map(rows.map(({ place, jobs: order }) => [place.host, order]));
    return new Map(rows.map(({ place, line }) => [place.host, line.first]));
  }

  /** What was planned before and can still be done. */
  #kept(jobs: readonly P[], places: readonly Place[], now: number): Row<P>[] {
    const wait = new Set(jobs);
    return places.map((place) => {
      const order = (this.#orders.get(place.host) ?? []).filter((job) => wait.has(job) && mayRun(job, place));
      const line = timeline(place, order, now);
      return line.endsAt < Number.POSITIVE_INFINITY
        ? { place, jobs: order, line }
        : { place, jobs: [], line: timeline(place, [], now) };
    });
  }

  /** Moves one job, or lets two change places, unless that is worse. */
  #change(rows: readonly Row<P>[], now: number): void {
    const from = this.#draw() < toLast ? latest(rows) : this.#pick(rows);
    const to = this.#pick(rows);
    if (!from || !to || from.jobs.length === 0) return;
    const at = this.#below(from.jobs.length);
    const job = from.jobs[at] as P;
    if (!mayRun(job, to.place)) return;
    const source = [...from.jobs];
    const target = to === from ? source : [...to.jobs];
    source.splice(at, 1);
    const where = this.#below(target.length + 1);
    const other = to !== from && this.#draw() < 0.5 ? target[where] : undefined;
    target.splice(where, other ? 1 : 0, job);
    if (other) {
      if (!mayRun(other, from.place)) return;
      source.splice(at, 0, other);
    }
    const before = cost(rows, now);
    const kept = [from.jobs, from.line, to.jobs, to.line] as const;
    [from.jobs, from.line] = [source, timeline(from.place, source, now)];
    if (to !== from) [to.jobs, to.line] = [target, timeline(to.place, target, now)];
    if (cost(rows, now) <= before) return;
    [to.jobs, to.line] = [kept[2], kept[3]];
    [from.jobs, from.line] = [kept[0], kept[1]];
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[this.#below(from.length)];
  }

  #below(count: number): number {
    return Math.floor(this.#draw() * count);
  }

  /** The same numbers in every run. */
  #draw(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#state / 2 ** 32;
  }
}

const mayRun = ({ excluded, away }: Planned, { host }: Place): boolean =>
  !excluded.has(host) && !(away && host === "");

function latest<P extends Planned>(rows: readonly Row<P>[]): Row<P> | undefined {
  let last = rows[0];
  for (const row of rows) if (last && row.line.endsAt > last.line.endsAt) last = row;
  return last;
}

function cost<P extends Planned>(rows: readonly Row<P>[], now: number): number {
  let [endsAt, flowMs] = [now, 0];
  for (const { line } of rows) {
    endsAt = Math.max(endsAt, line.endsAt);
    flowMs += line.flowMs;
  }
  return endsAt - now + flowWeight * flowMs;
}

/** Where it ends first, after what is planned there; nowhere when no host can run it. */
function insert<P extends Planned>(rows: readonly Row<P>[], job: P, now: number): void {
  let best: Row<P> | undefined;
  let bestLine: Timeline<P> | undefined;
  for (const row of rows) {
    if (!mayRun(job, row.place)) continue;
    const line = timeline(row.place, [...row.jobs, job], now);
    if (line.lastEndsAt === Number.POSITIVE_INFINITY) continue;
    if (!bestLine || line.lastEndsAt < bestLine.lastEndsAt) [best, bestLine] = [row, line];
  }
  if (!best || !bestLine) return;
  best.jobs = [...best.jobs, job];
  best.line = bestLine;
}
