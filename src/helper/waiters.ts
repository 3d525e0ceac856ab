/** The jobs that wait, as they came: the short ones and those that are planned apart. Pure. */
import { isLong } from "./planner.js";
import { canWait } from "./turns.js";
import type { Job, LongJob } from "./waiting.js";

const isLongJob = (job: Job): job is LongJob => isLong(job.need);

export class Waiters {
  readonly #all = new Map<number, Job>();
  /** Kept as jobs come and go, so that a long queue is not gone through at each step. */
  #short: Job[] = [];
  #long: LongJob[] = [];
  #able = 0;

  get size(): number {
    return this.#all.size;
  }

  /** Not to be changed, and another one after each change. */
  get short(): readonly Job[] {
    return this.#short;
  }

  get long(): readonly LongJob[] {
    return this.#long;
  }

  /** Whether one of the short ones may be sent ahead. */
  get someMayWait(): boolean {
    return this.#able > 0;
  }

  get(id: number): Job | undefined {
    return this.#all.get(id);
  }

  all(): Job[] {
    return [...this.#all.values()];
  }

  add(job: Job): void {
    const again = this.#all.has(job.id);
    this.#all.set(job.id, job);
    if (again) this.#sort();
    else if (isLongJob(job)) this.#long = [...this.#long, job];
    else {
      this.#short = [...this.#short, job];
      this.#able += canWait(job) ? 1 : 0;
    }
  }

  remove(id: number): void {
    const job = this.#all.get(id);
    if (!job) return;
    this.#all.delete(id);
    if (isLongJob(job)) this.#long = this.#long.filter((one) => one !== job);
    else {
      this.#short = this.#short.filter((one) => one !== job);
      this.#able -= canWait(job) ? 1 : 0;
    }
  }

  #sort(): void {
    const all = this.all();
    this.#long = all.filter(isLongJob);
    this.#short = all.filter((job) => !isLongJob(job));
    this.#able = this.#short.filter(canWait).length;
  }
}
