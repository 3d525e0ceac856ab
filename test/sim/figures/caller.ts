/**
 * A simulated user's prexd, with the shim before it: the production queue, and around it what src/helper/helper.ts
 * does with jobs that are refused or done. Links are up, so that a job costs the time of its datagrams only.
 */
import { WorkMemory } from "../../../src/core/kinds/memory.js";
import { memoryClass, type Need, type Use } from "../../../src/core/kinds/need.js";
import { type Effect, Queue } from "../../../src/helper/queue.js";
import type { HomeSlots } from "../../../src/helper/wait-model.js";
import type { Lease } from "../../../src/wire/control.js";
import type { SimHost } from "../host.js";
import type { Output } from "../station.js";
import type { World } from "../world.js";
import { type Shim, type Tally, triesMax } from "./jobs.js";
import type { Holding, Started } from "./slots.js";

interface Job<Work> {
  readonly id: number;
  readonly work: Work;
  readonly since: number;
  readonly excluded: Set<string>;
  need: Need | null;
}

/** What prexd learns of jobs, from their rusage. */
export interface Kinds<Work> {
  /** What a job is known by: its shape, else its program. */
  keys(work: Work): readonly string[];
  use(work: Work, host: string, wallMs: number): Use;
}

/** `patience_ms` as configured when nothing is; the rest as in src/helper/helper.ts. */
const patienceMs = 30_000;
const beatMs = 1000;
const lookMs = 25;

/** A machine as those see it who start jobs on it. */
export interface Executor<Work> {
  readonly host: SimHost;
  readonly slots: HomeSlots;
  start(work: Work, holding: Holding, ended: () => void, memoryMb?: number): Started;
}

export interface CallerOptions<Work> {
  readonly world: World;
  readonly machine: Executor<Work>;
  /** By name of the host. */
  readonly machines: ReadonlyMap<string, Executor<Work>>;
  readonly tally: Tally;
  /** Every job is sent away, as with `prex`; else the shim decides first. */
  readonly byHand: boolean;
  /** Nothing is learned when nothing is said. */
  readonly kinds?: Kinds<Work>;
  /** Told when a job's caller knows that it has ended. */
  readonly over?: (work: Work) => void;
}

export class Caller<Work = number> implements Shim<Work> {
  readonly #works = new WorkMemory();
  readonly #queue: Queue;
  readonly #jobs = new Map<number, Job<Work>>();
  readonly #world: World;
  readonly #machine: Executor<Work>;
  readonly #tally: Tally;
  #lastId = 0;
  #acting = false;
  #looking = false;
  #giving = false;

  constructor(private readonly options: CallerOptions<Work>) {
    this.#world = options.world;
    this.#machine = options.machine;
    this.#tally = options.tally;
    this.#queue = new Queue(patienceMs, this.#works, this.#world.random);
    this.#world.at(beatMs * this.#world.random(), () => this.#beat());
  }

  get #name(): string {
    return this.#machine.host.name;
  }

  /** The shim's decision, then the stand-in's way. */
  run(work: Work): void {
    const { now } = this.#world;
    const { byHand, kinds } = this.options;
    this.#lastId += 1;
    const need = kinds ? this.#works.need(kinds.keys(work)) : null;
    const job = { id: this.#lastId, work, since: now, excluded: new Set<string>(), need };
    if (!byHand && !this.#queue.first) {
      if (this.#machine.slots.free > 0 && this.#starts(job, "own", () => this.#over(job))) return;
      if (this.#machine.host.node.worthAskingAt(now) > now && this.#machine.slots.room > 0) {
        this.#unslotted(job);
        return;
      }
    }
    this.#jobs.set(job.id, job);
    this.#queue.slotsHere(this.#machine.slots, now);
    this.#enqueue(job);
  }

  /** What pantsd answers. */
  answer(output: Output): void {
    const { now } = this.#world;
    if (output.kind === "grant") {
      const { id, lifeMs, leases } = output;
      const withLife = leases.map((lease) => ({ ...lease, lifeMs }));
      this.#queue.granted(id, withLife, now);
    } else if (output.kind === "deny") this.#queue.denial(output.id, output.retryMs, output.why, now);
    else if (output.kind === "lost") this.#queue.lost(output.leases, now);
    this.#act();
  }

  #enqueue({ id, excluded, need, since }: Job<Work>): void {
    this.#queue.add({ id, excluded, need, away: this.options.byHand, since }, this.#world.now);
    this.#act();
  }

  #act(): void {
    if (this.#acting) return;
    this.#acting = true;
    for (let effects = this.#queue.take(); effects.length > 0; effects = this.#queue.take())
      for (const effect of effects) this.#carryOut(effect);
    this.#acting = false;
    if (this.#queue.length > 0 && !this.#looking) {
      this.#looking = true;
      this.#world.at(lookMs, () => this.#look());
    }
    const idleMs = this.#queue.giveBackAt - this.#world.now;
    if (idleMs === Number.POSITIVE_INFINITY || this.#giving) return;
    this.#giving = true;
    this.#world.at(Math.max(0, Math.ceil(idleMs)), () => this.#giveBack());
  }

  #giveBack(): void {
    this.#giving = false;
    this.#queue.tick(this.#world.now);
    this.#act();
  }

  #carryOut(effect: Effect): void {
    const job = "job" in effect ? this.#jobs.get(effect.job) : undefined;
    if (effect.do === "request") this.#ask(effect);
    else if (effect.do === "release") this.#world.release(this.#name, effect.leases);
    else if (job && effect.do === "assign") this.#launch(job, effect.lease);
    else if (job && effect.do === "here") this.#here(job, effect.slot);
  }

  #ask({ id, count, exclude, wanted }: Extract<Effect, { do: "request" }>): void {
    this.#world.request(this.#name, id, count, exclude, 1, wanted);
  }

  #launch(job: Job<Work>, lease: Lease): void {
    const world = this.#world;
    const target = this.options.machines.get(lease.host);
    world.at(world.delayMs(), () => {
      const startedAt = world.now;
      const ended = () => world.at(world.delayMs(), () => this.#ended(job, lease, world.now - startedAt));
      const memoryMb = job.need ? memoryClass(job.need) : 0;
      const started = target?.start(job.work, "guest", ended, memoryMb) ?? "full";
      if (started === "started") this.#tally.far += 1;
      else world.at(world.delayMs(), () => this.#refused(job, lease, started));
    });
  }

  #ended(job: Job<Work>, lease: Lease, wallMs: number): void {
    const { kinds } = this.options;
    if (kinds) {
      this.#works.learn(kinds.keys(job.work), kinds.use(job.work, lease.host, wallMs));
      for (const other of this.#jobs.values()) {
        if (other.need) continue;
        other.need = this.#works.need(kinds.keys(other.work));
        if (other.need) this.#queue.learned(other.id, other.need, this.#world.now);
      }
    }
    this.#queue.freed(lease.id, true, this.#world.now);
    this.#act();
    this.#over(job);
  }

  #refused(job: Job<Work>, lease: Lease, why: Started): void {
    this.#tally.refused += 1;
    if (typeof why === "object") this.#queue.noMemory(lease.id, why.leftMb, this.#world.now);
    else {
      job.excluded.add(lease.host);
      this.#world.outcome(this.#name, lease.host, false, "full: every slot is taken");
      this.#queue.giveUp(lease.id, this.#world.now);
    }
    this.#act();
    if (job.excluded.size >= triesMax) this.#here(job);
    else this.#enqueue(job);
  }

  /** In a slot if one is free, else without. @param slot - one was, so that the time it takes tells how fast this host is */
  #here(job: Job<Work>, slot = false): void {
    const { now } = this.#world;
    const { kinds } = this.options;
    const ended = () => {
      this.#queue.endedHere(job.id, this.#world.now);
      const need = kinds ? this.#works.need(kinds.keys(job.work)) : null;
      if (slot && need) this.#works.ranHere(need, this.#world.now - now);
      this.#over(job);
    };
    if (!this.#starts(job, "own", ended)) this.#unslotted(job, ended);
  }

  #unslotted(job: Job<Work>, ended = () => this.#over(job)): void {
    this.#tally.unslotted += 1;
    this.#starts(job, "none", ended);
  }

  #starts({ work }: Job<Work>, holding: Holding, ended: () => void): boolean {
    return this.#machine.start(work, holding, ended) === "started";
  }

  #over(job: Job<Work>): void {
    this.#jobs.delete(job.id);
    this.#tally.responses.push(this.#world.now - job.since);
    this.options.over?.(job.work);
  }

  #look(): void {
    this.#looking = false;
    this.#queue.slotsHere(this.#machine.slots, this.#world.now);
    this.#queue.tick(this.#world.now);
    this.#act();
  }

  #beat(): void {
    this.#queue.tick(this.#world.now);
    this.#act();
    this.#world.at(beatMs, () => this.#beat());
  }
}

/** Hands pantsds' answers to the callers on their hosts, besides whoever watches already. */
export function connect(world: World, callers: ReadonlyMap<SimHost, { answer(output: Output): void }>): void {
  const { watch } = world;
  world.watch = (host, output, cause) => {
    watch?.(host, output, cause);
    const { kind } = output;
    if (kind === "grant" || kind === "deny" || kind === "lost")
      world.at(0, () => {
        host.answers.length = 0;
        callers.get(host)?.answer(output);
      });
  };
}
