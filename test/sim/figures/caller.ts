/**
 * A simulated user's prexd, with the shim before it: the production queue, and around it what src/helper/helper.ts
 * does with jobs that are refused or done. Links are up, so that a job costs the time of its datagrams only.
 */
import { type Effect, Queue } from "../../../src/helper/queue.js";
import type { Lease } from "../../../src/wire/control.js";
import type { SimHost } from "../host.js";
import type { Output } from "../station.js";
import type { World } from "../world.js";
import { type Shim, type Tally, triesMax } from "./jobs.js";
import type { Machine } from "./machine.js";

interface Job {
  readonly id: number;
  readonly workMs: number;
  readonly since: number;
  readonly excluded: Set<string>;
}

/** `patience_ms` as configured when nothing is; the rest as in src/helper/helper.ts. */
const patienceMs = 30_000;
const beatMs = 1000;
const lookMs = 25;

export interface CallerOptions {
  readonly world: World;
  readonly machine: Machine;
  /** By name of the host. */
  readonly machines: ReadonlyMap<string, Machine>;
  readonly tally: Tally;
  /** Every job is sent away, as with `prex`; else the shim decides first. */
  readonly byHand: boolean;
}

export class Caller implements Shim {
  readonly #queue = new Queue(patienceMs);
  readonly #jobs = new Map<number, Job>();
  readonly #world: World;
  readonly #machine: Machine;
  readonly #tally: Tally;
  #lastId = 0;
  #acting = false;
  #looking = false;
  #giving = false;

  constructor(private readonly options: CallerOptions) {
    this.#world = options.world;
    this.#machine = options.machine;
    this.#tally = options.tally;
    this.#world.at(beatMs * this.#world.random(), () => this.#beat());
  }

  get #name(): string {
    return this.#machine.host.name;
  }

  /** The shim's decision, then the stand-in's way. */
  run(workMs: number): void {
    const { now } = this.#world;
    const { byHand } = this.options;
    this.#lastId += 1;
    const job = { id: this.#lastId, workMs, since: now, excluded: new Set<string>() };
    if (!byHand) {
      if (this.#machine.usable > 0 && this.#machine.start(workMs, "own", () => this.#over(job))) return;
      if (this.#machine.host.node.worthAskingAt(now) > now && this.#machine.slots.room > 0) {
        this.#unslotted(job);
        return;
      }
    }
    this.#jobs.set(job.id, job);
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

  #enqueue({ id, excluded }: Job): void {
    this.#queue.add({ id, excluded, byHand: this.options.byHand }, this.#world.now);
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
    else if (job) this.#here(job);
  }

  #ask({ id, count, exclude, wanted }: Extract<Effect, { do: "request" }>): void {
    this.#world.request(this.#name, id, count, exclude, 1, wanted);
  }

  #launch(job: Job, lease: Lease): void {
    const world = this.#world;
    const target = this.options.machines.get(lease.host);
    world.at(world.delayMs(), () => {
      const ended = () => world.at(world.delayMs(), () => this.#ended(job, lease));
      if (target?.start(job.workMs, "guest", ended)) this.#tally.far += 1;
      else world.at(world.delayMs(), () => this.#refused(job, lease));
    });
  }

  #ended(job: Job, lease: Lease): void {
    this.#queue.freed(lease.id, true, this.#world.now);
    this.#act();
    this.#over(job);
  }

  #refused(job: Job, lease: Lease): void {
    this.#tally.refused += 1;
    job.excluded.add(lease.host);
    this.#world.outcome(this.#name, lease.host, false, "full: every slot is taken");
    this.#queue.giveUp(lease.id, this.#world.now);
    this.#act();
    if (job.excluded.size >= triesMax) this.#here(job);
    else this.#enqueue(job);
  }

  /** In a slot if one is free, else without. */
  #here(job: Job): void {
    if (!this.#machine.start(job.workMs, "own", () => this.#over(job))) this.#unslotted(job);
  }

  #unslotted(job: Job): void {
    this.#tally.unslotted += 1;
    this.#machine.start(job.workMs, "none", () => this.#over(job));
  }

  #over(job: Job): void {
    this.#jobs.delete(job.id);
    this.#tally.responses.push(this.#world.now - job.since);
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
export function connect(world: World, callers: ReadonlyMap<SimHost, Caller>): void {
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
