/** Every job of a run, what happened to it and where it ran: the judge of what executors and clients did. */
import { Violation } from "./violation.js";

export interface Job {
  readonly id: number;
  /** Address of the host whose program it is. */
  readonly home: string;
  readonly durationMs: number;
  /** What happened, with times. */
  readonly log: string[];
  /** Where it was started; empty before. */
  on: string;
  /** It was told to run at home. */
  fellBack: boolean;
  over: boolean;
}

export class Ledger {
  /** Jobs that are not over. */
  readonly open = new Map<number, Job>();
  counts = { here: 0, there: 0, refused: 0, lost: 0 };
  /** Jobs in a slot, by host. */
  readonly #running = new Map<string, Set<Job>>();
  #next = 0;

  constructor(private readonly now: () => number) {}

  /** Jobs so far. */
  get total(): number {
    return this.#next;
  }

  create(home: string, durationMs: number): Job {
    const job = { id: ++this.#next, home, durationMs, log: [], on: "", fellBack: false, over: false };
    this.open.set(job.id, job);
    return job;
  }

  note(job: Job, text: string): void {
    job.log.push(`${(this.now() / 1000).toFixed(3)} ${text}`);
  }

  /** A host starts the job; `slots`: how many it has, null when it takes none. */
  start(job: Job, on: string, slots: number | null): void {
    this.note(job, slots === null ? `starts at ${on} without a slot` : `starts in a slot of ${on}`);
    if (job.fellBack && on !== job.home)
      throw new Violation("no job starts after its local fallback", this.story(job));
    if (job.on !== "") throw new Violation("no job starts twice", this.story(job));
    job.on = on;
    if (on === job.home) this.counts.here += 1;
    else this.counts.there += 1;
    if (slots === null) return;
    const running = this.#running.get(on) ?? new Set();
    this.#running.set(on, running.add(job));
    if (running.size > slots) {
      const stories = [...running].map((each) => this.story(each)).join("; ");
      throw new Violation(
        "slots are never exceeded at an executor",
        `${running.size} of ${slots} at ${on}: ${stories}`,
      );
    }
  }

  /** The job has left its slot, if it had one. */
  left(job: Job, why: string): void {
    this.note(job, why);
    this.#running.get(job.on)?.delete(job);
  }

  /** Its caller knows how it ended, or is gone itself. */
  over(job: Job, why: string): void {
    if (job.over) return;
    this.note(job, why);
    job.over = true;
    this.open.delete(job.id);
  }

  story(job: Job): string {
    return `job ${job.id} of ${job.home}: ${job.log.join(", ")}`;
  }
}
