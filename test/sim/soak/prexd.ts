/**
 * A user's prexd: the production queue, with links that can fail. A job whose link is lost after it was sent there is
 * never started again: these jobs are not idempotent.
 */
import { type Effect, Queue } from "../../../src/helper/queue.js";
import type { Answer } from "../host.js";
import type { Job } from "./ledger.js";
import { Link } from "./link.js";
import type { Machine } from "./machine.js";

const patienceMs = 5000;
/** While jobs wait, this host's slots are looked at so often; else time passes in beats. */
const lookMs = 25;
const beatMs = 1000;
/** A host that could not be reached is left out for so long. */
const leftOutMs = 2000;
/** So many hosts may refuse a job before it runs at home. */
const refusalsMax = 4;

interface Task {
  readonly job: Job;
  readonly excluded: Set<string>;
  lease: string;
  link: Link | null;
  /** Sent over its link: it may have started. */
  sent: boolean;
}

export class Prexd {
  readonly #queue = new Queue(patienceMs);
  readonly #tasks = new Map<number, Task>();
  readonly #links = new Map<string, Link>();
  readonly #leftOut = new Map<string, number>();
  #acting = false;
  #looking = false;
  #dead = false;

  constructor(
    private readonly machine: Machine,
    /** What pantsd knows it by. */
    public client: number,
  ) {
    this.#beat();
  }

  get idle(): boolean {
    return this.#tasks.size === 0 && this.#queue.leaseCount === 0;
  }

  submit(job: Job): void {
    const task = { job, excluded: new Set<string>(), lease: "", link: null, sent: false };
    this.machine.ledger.note(job, "stands in");
    this.#tasks.set(job.id, task);
    this.#enqueue(task);
  }

  answered(answer: Answer): void {
    if (this.#dead) return;
    const now = this.machine.clock;
    if (answer.kind === "grant") {
      const leases = answer.leases.map((lease) => ({ ...lease, lifeMs: answer.lifeMs }));
      this.#queue.granted(answer.id, leases, now);
    } else if (answer.kind === "deny") this.#queue.denial(answer.id, answer.retryMs, answer.why, now);
    else if (answer.kind === "lost") this.#queue.lost(answer.leases, now);
    this.#act();
  }

  /** pantsd is gone. */
  absent(): void {
    this.#queue.absent(this.machine.clock);
    this.#act();
  }

  /** It dies. What was sent is lost; what was not runs in the stand-ins. */
  die(): void {
    const tasks = [...this.#tasks.values()];
    this.vanish();
    for (const { job, sent } of tasks) {
      if (sent) this.machine.ledger.over(job, "prexd died while it was there");
      else this.machine.runHere(job, "prexd died");
    }
  }

  /** It is gone, with its links. */
  vanish(): void {
    this.#dead = true;
    this.#tasks.clear();
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
  }

  #enqueue(task: Task): void {
    const now = this.machine.clock;
    for (const [host, until] of this.#leftOut) if (until > now) task.excluded.add(host);
    this.#queue.add({ id: task.job.id, excluded: task.excluded, away: false }, now);
    this.#act();
  }

  #act(): void {
    if (this.#acting) return;
    this.#acting = true;
    for (let effects = this.#queue.take(); effects.length > 0; effects = this.#queue.take()) {
      for (const effect of effects) {
        if (effect.do === "assign") this.#assign(effect.job, effect.lease.id, effect.lease.host);
        else if (effect.do === "here") this.#here(effect.job, effect.why);
        else if (effect.do === "request") this.#ask(effect);
        else if (effect.do === "release")
          this.#step({ kind: "release", client: this.client, leases: effect.leases });
      }
    }
    this.#acting = false;
    if (this.#queue.length === 0 || this.#looking) return;
    this.#looking = true;
    this.machine.after(lookMs, () => this.#look());
  }

  #look(): void {
    this.#looking = false;
    if (this.#dead) return;
    const { executor, load, clock } = this.machine;
    const { taken } = executor.counts;
    const left = executor.slots - taken;
    const home = { free: load.busy ? 0 : left, taken, total: executor.slots, room: executor.room };
    this.#queue.slotsHere(home, clock);
    this.#queue.tick(clock);
    this.#act();
  }

  #beat(): void {
    this.machine.after(beatMs, () => {
      if (this.#dead) return;
      this.#queue.tick(this.machine.clock);
      this.#act();
      this.#beat();
    });
  }

  #ask({ id, count, exclude, wanted }: Extract<Effect, { do: "request" }>): void {
    const { machine, client } = this;
    if (!machine.host.alive) {
      this.#queue.absent(machine.clock);
      return;
    }
    machine.site.asked(machine.host, client, id);
    this.#step({ kind: "request", client, id, count, compat: "any", exclude, wanted });
  }

  #here(id: number, why: string): void {
    const task = this.#tasks.get(id);
    if (!task) return;
    this.#tasks.delete(id);
    this.machine.runHere(task.job, why);
  }

  #assign(id: number, lease: string, host: string): void {
    const task = this.#tasks.get(id);
    if (!task) {
      this.#queue.freed(lease, false, this.machine.clock);
      return;
    }
    task.lease = lease;
    const link = this.#linkTo(host);
    task.link = link;
    this.machine.ledger.note(task.job, `gets ${host} by lease ${lease}`);
    if (!link) this.#unreachable(task, host, "left out");
    else if (link.state === "up") this.#send(task, link, host);
  }

  #linkTo(host: string): Link | null {
    const known = this.#links.get(host);
    if (known) return known;
    const far = this.machine.site.named(host);
    if (!far || (this.#leftOut.get(host) ?? 0) > this.machine.clock) return null;
    const link = new Link(this.machine, far);
    this.#links.set(host, link);
    link.onUp = () => {
      this.#outcome(host, true, "");
      for (const task of this.#on(link)) this.#send(task, link, host);
    };
    link.onDown = (why, wasUp) => {
      this.#links.delete(host);
      if (!wasUp) this.#leftOut.set(host, this.machine.clock + leftOutMs);
      this.#outcome(host, false, why);
      for (const task of this.#on(link)) {
        if (task.sent) this.#lost(task);
        else this.#unreachable(task, host, why);
      }
    };
    return link;
  }

  #on(link: Link): Task[] {
    return [...this.#tasks.values()].filter((task) => task.link === link);
  }

  #send(task: Task, link: Link, host: string): void {
    const { job } = task;
    const { far } = link;
    const { machine } = this;
    task.sent = true;
    link.send(far, () => {
      const admitted = far.host.alive && far.executor.admit(job, true);
      if (!admitted) {
        const why = far.host.alive ? "full" : "no pantsd here";
        link.send(machine, () => this.#refused(task, host, why));
        return;
      }
      far.pollSlots();
      link.running.add(job);
      far.after(job.durationMs, () => {
        link.running.delete(job);
        if (!far.executor.end(job, "ends")) return;
        far.pollSlots();
        link.send(machine, () => this.#ended(task));
      });
    });
  }

  #refused(task: Task, host: string, why: string): void {
    this.machine.ledger.note(task.job, `refused by ${host}: ${why}`);
    this.machine.ledger.counts.refused += 1;
    task.sent = false;
    this.#outcome(host, false, why);
    this.#elsewhere(task, host, why);
  }

  #unreachable(task: Task, host: string, why: string): void {
    this.machine.ledger.note(task.job, `${host} ${why}`);
    this.#elsewhere(task, host, why);
  }

  #elsewhere(task: Task, host: string, why: string): void {
    task.link = null;
    task.excluded.add(host);
    this.#queue.giveUp(task.lease, this.machine.clock);
    if (task.excluded.size >= refusalsMax) this.#here(task.job.id, why);
    else this.#enqueue(task);
    this.#act();
  }

  #lost(task: Task): void {
    this.#tasks.delete(task.job.id);
    this.machine.ledger.counts.lost += 1;
    this.machine.ledger.over(task.job, "lost with its link");
    this.#queue.giveUp(task.lease, this.machine.clock);
    this.#act();
  }

  #ended(task: Task): void {
    this.#tasks.delete(task.job.id);
    this.machine.ledger.over(task.job, "its caller knows");
    this.#queue.freed(task.lease, true, this.machine.clock);
    this.#act();
  }

  #outcome(host: string, ok: boolean, why: string): void {
    this.#step({ kind: "outcome", client: this.client, host, ok, why });
  }

  #step(event: Parameters<Machine["world"]["step"]>[1]): void {
    this.machine.world.step(this.machine.host, event);
  }
}
