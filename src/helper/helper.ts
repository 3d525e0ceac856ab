/** prexd: takes jobs from stand-ins, finds each a host, and tells the stand-in what became of it. */
import { Msg, type Run, type State, Why } from "../io/layout.js";
import { isHostName } from "../io/rsh.js";
import { Refusal } from "../mux/frame.js";
import type { JobStatus, Refused } from "../mux/status.js";
import type { Lease } from "../wire/control.js";
import { answerQuery } from "./answer.js";
import { Dead } from "./dead.js";
import { Dispatcher } from "./dispatcher.js";
import { HomePrograms } from "./home-programs.js";
import { Job, type JobEvents } from "./job.js";
import type { Link } from "./link.js";
import { Links } from "./links.js";
import type { Log } from "./log.js";
import { type Progress, parseAfter } from "./progress.js";
import { RefusalMemory } from "./refusals.js";
import type { StandIn, StandInEvents } from "./standin.js";
import { Works } from "./works.js";

export interface HelperOptions {
  readonly runtime: string;
  readonly rsh: string;
  readonly agentCommand: string;
  readonly patienceMs: number;
  /** Programs that usually compute no longer than this stay, ms. */
  readonly shortMs: number;
  /** Where what was learned of jobs is kept. */
  readonly worksFile: string;
  readonly log: Log;
  /** Nobody needed us for a long time, or nobody needs us any more. */
  readonly done: () => void;
}

/** prexd ends after so long without jobs, ms. */
const IDLE_MS = 1_800_000;
const BEAT_MS = 1000;
/** Of programs too short to be sent one of so many is sent, to see whether that still holds. */
const TRY_EVERY = 32;
/** A job refused by so many hosts runs here. */
const REFUSALS_MAX = 4;
/** An idempotent job that was lost more often runs here. */
const LOSSES_MAX = 2;

export class Helper implements StandInEvents, JobEvents {
  private readonly jobs = new Map<number, Job>();
  private readonly byStandIn = new Map<StandIn, Job>();
  private readonly dispatcher: Dispatcher;
  private readonly links: Links;
  private readonly dead: Dead;
  private readonly refusals = new RefusalMemory();
  private readonly works: Works;
  private readonly home = new HomePrograms(() => this.dispatcher.placeFreed());
  /** Short programs in a row that ran here. */
  private kept = 0;
  private busyAt = performance.now();
  private served = 0;
  /** Another prexd serves from now on. */
  leaving = false;

  constructor(private readonly options: HelperOptions) {
    this.works = new Works(options.worksFile, options.log);
    this.dispatcher = new Dispatcher(
      { runtime: options.runtime, patienceMs: options.patienceMs, works: this.works.memory },
      {
        assign: (id, lease, ahead) => this.assign(id, lease, ahead),
        follow: (id) => this.jobs.get(id)?.follow(),
        callBack: (id) => this.jobs.get(id)?.callBack(),
        isPiped: (id) => this.isPiped(id),
        here: (id, why, slot) => this.keep(id, why, slot),
      },
    );
    this.links = new Links(options.rsh, options.agentCommand, {
      up: (link) => this.linkUp(link),
      down: (link, why, wasUp) => this.linkDown(link, why, wasUp),
    });
    this.dead = new Dead(this.links);
    setInterval(() => this.beat(), BEAT_MS);
  }

  // -- stand-ins

  run(standIn: StandIn, run: Run, fds: readonly number[]): void {
    const job = new Job(standIn, run, fds, this);
    this.jobs.set(job.id, job);
    this.byStandIn.set(standIn, job);
    this.served++;
    job.need = this.works.need(job.keys);
    if (job.unfit !== "") job.here(Why.UNFIT, job.unfit);
    else if (run.after.length > 0) this.runAgain(job, run.after.toString("utf8"));
    else this.find(job);
  }

  signal(standIn: StandIn, value: number): void {
    this.byStandIn.get(standIn)?.signal(value);
  }

  gone(standIn: StandIn): void {
    const job = this.byStandIn.get(standIn);
    if (job === undefined) return;
    this.dispatcher.remove(job.id);
    this.freeUnused(job);
    job.abandon();
  }

  query(standIn: StandIn): void {
    const answer = answerQuery(this.jobs.values(), this.links, this.dispatcher, this.served);
    standIn.send(Msg.JSON, 0, answer);
  }

  // -- jobs

  refused(job: Job, { reason, text, leftMb = 0 }: Refused): void {
    const { host } = job;
    this.options.log.debug({ host, program: job.program, text }, "refused");
    if (job.state === "over") {
      this.free(job, false);
      return;
    }
    // It was called back, or its turn did not come: that says nothing of the host. Memory comes back, and other jobs find enough.
    const missed = reason === Refusal.WITHDRAWN || (job.ahead && reason === Refusal.FULL);
    const noMemory = reason === Refusal.MEMORY && job.byName === "";
    if (!missed && !noMemory) job.excluded.add(host);
    if (!missed) job.refusal = text;
    if (reason === Refusal.PROGRAM || reason === Refusal.DIRECTORY) {
      this.refusals.remember(host, reason === Refusal.PROGRAM ? job.run.path : job.run.cwd, text);
    }
    if (missed) this.free(job, false);
    else if (reason === Refusal.MEMORY) this.noMemory(job, leftMb);
    else if (reason === Refusal.FULL || reason === Refusal.NO_PANTSD || reason === Refusal.COMPAT) {
      this.dispatcher.outcome(host, false, text);
      this.dropLease(job);
    } else this.free(job, false);
    if (job.byName !== "" || job.excluded.size >= REFUSALS_MAX) job.here(Why.REFUSED, text);
    else this.enqueue(job);
  }

  ended(job: Job, status: JobStatus, wallMs: number): void {
    // One that is still ahead ran beside what it was to wait for, and nobody knows for how long.
    if (!job.ahead) this.works.ended(job.keys, job.host, status, wallMs);
    for (const other of this.jobs.values())
      if (other.state === "waiting" && other.need === null && other.keys[1] === job.keys[1])
        this.lookUp(other);
    this.free(job, true);
  }

  /** What a job needs may be known since it came. */
  private lookUp(job: Job): void {
    job.need = this.works.need(job.keys);
    if (job.need) this.dispatcher.learned(job.id, job.need);
  }

  homeState(): State | null {
    return this.dispatcher.homeState;
  }

  over(job: Job): void {
    this.free(job, false);
    this.jobs.delete(job.id);
    this.byStandIn.delete(job.standIn);
    this.busyAt = performance.now();
    if (this.leaving) this.endWhenEmpty();
  }

  /** Looks for a host, or takes the one asked for. */
  private find(job: Job): void {
    if (job.byName === "") {
      const slots = this.dispatcher.look();
      if (slots.room > 0 && this.tooShort(job)) this.runHere(job, "shorter than sending it", false);
      else this.enqueue(job);
      return;
    }
    if (!isHostName(job.byName)) {
      job.here(Why.REFUSED, "not a host name");
      return;
    }
    this.via(job, job.byName);
  }

  private enqueue(job: Job): void {
    const { id, excluded, away } = job;
    job.state = "waiting";
    job.host = "";
    for (const [host, text] of this.refusals.hosts(job.run.path, job.run.cwd)) {
      excluded.add(host);
      job.refusal ||= text;
    }
    for (const host of this.links.out()) excluded.add(host);
    job.waitsSince ||= performance.now();
    const { need, idempotent: ahead, waitsSince: since } = job;
    const piped = job.pipes.first(ahead);
    this.dispatcher.add({ id, excluded, away, need, program: job.keys[1] ?? "", since, ahead, piped });
  }

  /** Sends a job over the link to a host, now or once that is up. */
  private via(job: Job, host: string): void {
    const link = this.links.to(host, job.run.env);
    job.host = host;
    if (typeof link === "string") this.unreachable(job, link);
    else if (link.pipe === undefined) job.state = "connecting";
    else this.launch(job, link);
  }

  private launch(job: Job, link: Link): void {
    const waitMs = job.byName !== "" || job.ahead ? this.options.patienceMs : 0;
    try {
      if (!job.launch(link, this.dispatcher.compat, waitMs))
        job.here(Why.REFUSED, "program or directory cannot be read");
    } catch (error) {
      // A fault of ours, which must not leave the job waiting: who knows what of it is on its way.
      this.options.log.warn({ host: link.host, program: job.program, error: String(error) }, "not launched");
      job.lost(link.host);
    }
  }

  private unreachable(job: Job, why: string): void {
    this.dropLease(job);
    job.excluded.add(job.host);
    if (job.byName !== "" || job.excluded.size >= REFUSALS_MAX) job.here(Why.REFUSED, `${job.host}: ${why}`);
    else this.enqueue(job);
  }

  // -- links

  private linkUp(link: Link): void {
    this.options.log.info({ host: link.host, link: link.id }, "link up");
    this.dispatcher.outcome(link.host, true, "");
    for (const job of this.jobs.values()) {
      if (job.state === "connecting" && job.host === link.host) this.launch(job, link);
    }
  }

  private linkDown(link: Link, why: string, wasUp: boolean): void {
    this.options.log.warn({ host: link.host, link: link.id, why }, wasUp ? "link lost" : "no link");
    this.dispatcher.outcome(link.host, false, why);
    for (const job of [...this.jobs.values()]) {
      if (wasUp && job.isOn(link)) this.lost(job, link);
      else if (job.state === "connecting" && job.host === link.host) this.unreachable(job, why);
    }
  }

  private lost(job: Job, link: Link): void {
    const progress = job.linkLost();
    if (progress === undefined) return;
    this.dropLease(job);
    this.repeat(job, link.host, link.id, link.heardAt, progress);
  }

  /** The stand-in lost another prexd while the job ran. */
  private runAgain(job: Job, text: string): void {
    const after = parseAfter(text);
    if (after === null) job.here(Why.FAULT, "not understood");
    else this.repeat(job, after.host, after.link, performance.now(), after.progress);
  }

  /** Runs it once more, if that is allowed, when the first run is certainly dead. */
  private repeat(
    job: Job,
    host: string,
    linkId: string,
    heardAt: number,
    progress: Progress | undefined,
  ): void {
    if (!job.idempotent || progress === undefined || progress.taken > 0) {
      job.lost(host);
      return;
    }
    job.progress = progress;
    job.rerun = true;
    job.waitsSince = 0;
    job.host = host;
    job.state = "waiting";
    job.excluded.add(host);
    this.dead.whenCertain(host, linkId, heardAt, () => {
      if (job.state === "over") return;
      if (++job.losses > LOSSES_MAX) job.here(Why.RERUN, `lost ${job.losses} times`);
      else this.find(job);
    });
  }

  // -- leases

  /** The job's lease can serve the next one. */
  private free(job: Job, used: boolean): void {
    const { lease } = job;
    if (lease === undefined) return;
    job.lease = undefined;
    if (this.wasAhead(job, lease)) return;
    this.dispatcher.free(lease, used);
  }

  /** The lease is another job's that is still running. */
  private wasAhead(job: Job, lease: Lease): boolean {
    if (!job.ahead) return false;
    job.ahead = false;
    this.dispatcher.notAhead(lease, job.id);
    return true;
  }

  /** A job that waits for its link to come up. */
  private freeUnused(job: Job): void {
    if (job.state === "connecting") this.free(job, false);
  }

  private noMemory(job: Job, leftMb: number): void {
    const { lease } = job;
    job.lease = undefined;
    if (lease !== undefined && !this.wasAhead(job, lease)) this.dispatcher.noMemory(lease, leftMb);
  }

  private dropLease(job: Job): void {
    const { lease } = job;
    job.lease = undefined;
    if (lease !== undefined && !this.wasAhead(job, lease)) this.dispatcher.giveUp(lease);
  }

  /** Runs it here; why a host refused says more than that there is no other. */
  private keep(id: number, why: string, slot: boolean): void {
    const job = this.jobs.get(id);
    if (job) this.runHere(job, job.refusal || why, slot);
  }

  /** @param slot - it finds one free, so that the time it takes tells how fast this host is */
  private runHere(job: Job, why: string, slot: boolean): void {
    this.home.watch(job.standIn.pid, (ms) => {
      this.dispatcher.endedHere(job.id);
      const need = this.works.need(job.keys);
      if (slot && need) this.works.memory.ranHere(need, ms);
    });
    job.here(Why.REFUSED, why);
  }

  /** So short that this host is better off running it than sending it; now and then one is sent all the same. */
  private tooShort({ need, away, rerun }: Job): boolean {
    if (!need || away || rerun || need.ownMs > this.options.shortMs) return false;
    this.kept = (this.kept + 1) % TRY_EVERY;
    return this.kept !== 0;
  }

  /** Whether another program waits for it through a pipe: its neighbour, or one of ours that has a slot. */
  private isPiped(id: number): boolean {
    const job = this.jobs.get(id);
    if (job === undefined) return false;
    const { pipes } = job;
    if (pipes.look()) return true;
    return [...this.jobs.values()].some((other) => other.state !== "waiting" && other.pipes.leadTo(pipes));
  }

  private assign(id: number, lease: Lease, ahead: boolean): boolean {
    const job = this.jobs.get(id);
    if (job === undefined) return false;
    job.lease = lease;
    job.ahead = ahead;
    this.via(job, lease.host);
    return true;
  }

  private beat(): void {
    const now = performance.now();
    this.links.beat(now);
    this.dispatcher.tick();
    if (!this.leaving) this.works.keep();
    for (const job of this.jobs.values()) job.beat();
    if (this.jobs.size > 0) this.busyAt = now;
    if (now - this.busyAt > IDLE_MS) this.options.done();
  }

  /** What it has taken it carries to its end; then it is done. */
  finish(): void {
    this.works.keep(true);
    this.leaving = true;
    this.endWhenEmpty();
  }

  private endWhenEmpty(): void {
    if (this.jobs.size === 0) this.options.done();
  }

  /** Ends every link, and with them what runs over them. */
  close(): void {
    if (!this.leaving) this.works.keep(true);
    this.links.closeAll();
    this.dispatcher.close();
  }
}
