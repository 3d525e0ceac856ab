/** prexd: takes jobs from stand-ins, finds each a host, and tells the stand-in what became of it. */
import { hostCompat } from "../io/compat.js";
import { Msg, type Run, Why } from "../io/layout.js";
import { PantsdClient } from "../io/pantsd-client.js";
import { pantsdSocket } from "../io/paths.js";
import { isHostName } from "../io/rsh.js";
import { Refusal } from "../mux/frame.js";
import type { Refused } from "../mux/status.js";
import type { ControlReply, Lease } from "../wire/control.js";
import { Dead } from "./dead.js";
import { Job, type JobEvents } from "./job.js";
import type { Link } from "./link.js";
import { Links } from "./links.js";
import { LocalHost } from "./local.js";
import type { Log } from "./log.js";
import { type Progress, parseAfter } from "./progress.js";
import { Queue } from "./queue.js";
import { RefusalMemory } from "./refusals.js";
import type { StandIn, StandInEvents } from "./standin.js";

export interface HelperOptions {
  readonly runtime: string;
  readonly rsh: string;
  readonly agentCommand: string;
  readonly patienceMs: number;
  readonly log: Log;
  /** Nobody needed us for a long time. */
  readonly done: () => void;
}

/** prexd ends after so long without jobs, ms. */
const IDLE_MS = 1_800_000;
const BEAT_MS = 1000;
/** While jobs wait, this host's slots are looked at so often, ms. */
const LOOK_MS = 25;
/** A job refused by so many hosts runs here. */
const REFUSALS_MAX = 4;
/** An idempotent job that was lost more often runs here. */
const LOSSES_MAX = 2;

export class Helper implements StandInEvents, JobEvents {
  private readonly compat = hostCompat();
  private readonly jobs = new Map<number, Job>();
  private readonly byStandIn = new Map<StandIn, Job>();
  private readonly queue: Queue;
  private readonly links: Links;
  private readonly dead: Dead;
  private readonly local: LocalHost;
  private readonly pantsd: PantsdClient;
  private readonly refusals = new RefusalMemory();
  private looking: NodeJS.Timeout | undefined;
  private giving: NodeJS.Timeout | undefined;
  private busyAt = performance.now();
  private served = 0;
  private acting = false;

  constructor(private readonly options: HelperOptions) {
    this.queue = new Queue(options.patienceMs);
    this.local = new LocalHost(options.runtime);
    this.links = new Links(options.rsh, options.agentCommand, {
      up: (link) => this.linkUp(link),
      down: (link, why, wasUp) => this.linkDown(link, why, wasUp),
    });
    this.dead = new Dead(this.links);
    this.pantsd = new PantsdClient(pantsdSocket(options.runtime), {
      reply: (message) => this.fromPantsd(message),
      gone: () => {
        this.queue.absent(performance.now());
        this.act();
      },
    });
    setInterval(() => this.beat(), BEAT_MS);
  }

  // -- stand-ins

  run(standIn: StandIn, run: Run, fds: readonly number[]): void {
    const job = new Job(standIn, run, fds, this);
    this.jobs.set(job.id, job);
    this.byStandIn.set(standIn, job);
    this.served++;
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
    this.queue.remove(job.id);
    this.freeUnused(job);
    job.abandon();
  }

  query(standIn: StandIn): void {
    const jobs = [...this.jobs.values()].map((job) => {
      return {
        pid: job.standIn.pid,
        program: job.program,
        host: job.host,
        state: job.state,
        ageMs: job.ageMs,
      };
    });
    const links = [...this.links.all()].map((link) => {
      return { host: link.host, link: link.id, state: link.pipe ? "up" : "connecting", jobs: link.jobs };
    });
    const leftOut = [...this.links.out()];
    const { length, leaseCount } = this.queue;
    const answer = {
      pid: process.pid,
      jobs,
      links,
      leftOut,
      queue: length,
      leases: leaseCount,
      served: this.served,
    };
    standIn.send(Msg.JSON, 0, Buffer.from(JSON.stringify(answer)));
  }

  // -- jobs

  refused(job: Job, { reason, text }: Refused): void {
    const { host } = job;
    this.options.log.debug({ host, program: job.program, text }, "refused");
    if (job.state === "over") {
      this.free(job, false);
      return;
    }
    job.excluded.add(host);
    job.refusal = text;
    if (reason === Refusal.PROGRAM || reason === Refusal.DIRECTORY) {
      this.refusals.remember(host, reason === Refusal.PROGRAM ? job.run.path : job.run.cwd);
    }
    if (reason === Refusal.FULL || reason === Refusal.NO_PANTSD || reason === Refusal.COMPAT) {
      this.pantsd.send({ t: "outcome", host, ok: false, why: text });
      this.dropLease(job);
    } else this.free(job, false);
    if (job.byName !== "" || job.excluded.size >= REFUSALS_MAX) job.here(Why.REFUSED, text);
    else this.enqueue(job);
  }

  ended(job: Job): void {
    this.free(job, true);
  }

  over(job: Job): void {
    this.free(job, false);
    this.jobs.delete(job.id);
    this.byStandIn.delete(job.standIn);
    this.busyAt = performance.now();
  }

  /** Looks for a host, or takes the one asked for. */
  private find(job: Job): void {
    if (job.byName === "") {
      this.enqueue(job);
      return;
    }
    if (!isHostName(job.byName)) {
      job.here(Why.REFUSED, "not a host name");
      return;
    }
    this.via(job, job.byName);
  }

  private enqueue(job: Job): void {
    const { id, excluded, byHand } = job;
    job.state = "waiting";
    job.host = "";
    for (const host of this.refusals.hosts(job.run.path, job.run.cwd)) excluded.add(host);
    for (const host of this.links.out()) excluded.add(host);
    this.queue.add({ id, excluded, byHand }, performance.now());
    this.act();
  }

  /** Sends a job over the link to a host, now or once that is up. */
  private via(job: Job, host: string): void {
    const link = this.links.to(host);
    job.host = host;
    if (typeof link === "string") this.unreachable(job, link);
    else if (link.pipe === undefined) job.state = "connecting";
    else this.launch(job, link);
  }

  private launch(job: Job, link: Link): void {
    const waitMs = job.byName === "" ? 0 : this.options.patienceMs;
    if (!job.launch(link, this.compat, waitMs)) job.here(Why.REFUSED, "program or directory cannot be read");
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
    this.pantsd.send({ t: "outcome", host: link.host, ok: true, why: "" });
    for (const job of this.jobs.values()) {
      if (job.state === "connecting" && job.host === link.host) this.launch(job, link);
    }
  }

  private linkDown(link: Link, why: string, wasUp: boolean): void {
    this.options.log.warn({ host: link.host, link: link.id, why }, wasUp ? "link lost" : "no link");
    this.pantsd.send({ t: "outcome", host: link.host, ok: false, why });
    for (const job of [...this.jobs.values()]) {
      if (wasUp && job.isOn(link)) this.lost(job, link);
      else if (!wasUp && job.state === "connecting" && job.host === link.host) this.unreachable(job, why);
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

  private fromPantsd(message: ControlReply): void {
    const now = performance.now();
    if (message.t === "grant") this.queue.granted(message.id, message.leases, now);
    else if (message.t === "deny") this.queue.denial(message.id, message.retryMs, message.why, now);
    else if (message.t === "lost") this.queue.lost(message.leases, now);
    this.act();
  }

  /** The job's lease can serve the next one. */
  private free(job: Job, used: boolean): void {
    const { lease } = job;
    if (lease === undefined) return;
    job.lease = undefined;
    this.queue.freed(lease.id, used, performance.now());
    this.act();
  }

  /** A job that waits for its link to come up. */
  private freeUnused(job: Job): void {
    if (job.state === "connecting") this.free(job, false);
  }

  private dropLease(job: Job): void {
    const { lease } = job;
    job.lease = undefined;
    if (lease !== undefined) this.queue.giveUp(lease.id, performance.now());
    this.act();
  }

  /** Does what the queue wants done. */
  private act(): void {
    if (this.acting) return;
    this.acting = true;
    for (let effects = this.queue.take(); effects.length > 0; effects = this.queue.take()) {
      for (const effect of effects) {
        if (effect.do === "assign") this.assign(effect.job, effect.lease);
        else if (effect.do === "here") this.keep(effect.job, effect.why);
        else if (effect.do === "release") this.pantsd.send({ t: "release", leases: effect.leases });
        else this.ask(effect.id, effect.count, effect.exclude);
      }
    }
    this.acting = false;
    if (this.queue.length > 0) this.looking ??= setInterval(() => this.look(), LOOK_MS);
    const idleMs = this.queue.giveBackAt - performance.now();
    if (idleMs < Number.POSITIVE_INFINITY)
      this.giving ??= setTimeout(() => this.giveBack(), Math.ceil(idleMs));
  }

  /** Leases that nobody used go back to the leader. */
  private giveBack(): void {
    this.giving = undefined;
    this.queue.tick(performance.now());
    this.act();
  }

  /** Runs it here; why a host refused says more than that there is no other. */
  private keep(id: number, why: string): void {
    const job = this.jobs.get(id);
    job?.here(Why.REFUSED, job.refusal || why);
  }

  private ask(id: number, count: number, exclude: string[]): void {
    const asked = this.pantsd.send({ t: "request", id, count, compat: this.compat, exclude });
    if (!asked) this.queue.absent(performance.now());
  }

  private assign(id: number, lease: Lease): void {
    const job = this.jobs.get(id);
    if (job === undefined) {
      this.queue.freed(lease.id, false, performance.now());
      return;
    }
    job.lease = lease;
    this.via(job, lease.host);
  }

  private look(): void {
    const { free, taken } = this.local.look();
    const now = performance.now();
    this.queue.slotsHere(free, taken, now);
    this.queue.tick(now);
    this.act();
    if (this.queue.length > 0) return;
    clearInterval(this.looking);
    this.looking = undefined;
  }

  private beat(): void {
    const now = performance.now();
    this.links.beat(now);
    this.queue.tick(now);
    this.act();
    if (this.jobs.size > 0) this.busyAt = now;
    if (now - this.busyAt > IDLE_MS) this.options.done();
  }

  /** Ends every link, and with them what runs over them. */
  close(): void {
    clearTimeout(this.giving);
    this.links.closeAll();
    this.pantsd.close();
  }
}
