/** Finds hosts for jobs that wait: the queue, brought together with pantsd, this host's slots and the clock. */
import type { WorkMemory } from "../core/kinds/memory.js";
import type { Need } from "../core/kinds/need.js";
import { hostCompat } from "../io/compat.js";
import type { State } from "../io/layout.js";
import { native } from "../io/native.js";
import { PantsdClient } from "../io/pantsd-client.js";
import { pantsdSocket } from "../io/paths.js";
import { trace } from "../io/trace.js";
import type { ControlReply, Lease } from "../wire/control.js";
import { LocalHost } from "./local.js";
import { type Effect, Queue, type Waiting } from "./queue.js";
import type { HomeSlots } from "./wait-model.js";

export interface DispatcherOptions {
  readonly runtime: string;
  readonly patienceMs: number;
  readonly works: WorkMemory;
}

export interface DispatcherEvents {
  /** The job may run under this lease, or `ahead` wait for its turn there. False: it is not wanted any more. */
  assign(job: number, lease: Lease, ahead: boolean): boolean;
  /** It is the turn of a job that was sent ahead. */
  follow(job: number): void;
  /** It shall come back, unless it has begun. */
  callBack(job: number): void;
  /** Whether another program waits for it through a pipe, as far as can be seen now. */
  isPiped(job: number): boolean;
  /** The job shall run here. `slot`: one is free now. */
  here(job: number, why: string, slot: boolean): void;
}

/**
 * Newcomers are told to ask first for so long, ms: a few of prexd's beats, for nothing need happen between two newcomers.
 * Said again before that is over, and taken back when it does not hold any more.
 */
const FIRST_MS = 2500;
const FIRST_AGAIN_MS = 500;
/** While jobs wait, this host's slots are looked at so often, and its state record, which seldom changes, ms. */
const LOOK_MS = 25;
const STATE_MS = 100;

export class Dispatcher {
  readonly compat = hostCompat();
  private readonly queue: Queue;
  private readonly local: LocalHost;
  private readonly pantsd: PantsdClient;
  private looking: NodeJS.Timeout | undefined;
  private giving: NodeJS.Timeout | undefined;
  private acting = false;
  /** When newcomers were last told to ask first, and until when that holds, performance.now(). */
  private firstAt = Number.NEGATIVE_INFINITY;
  private firstUntil = Number.NEGATIVE_INFINITY;

  constructor(
    { runtime, patienceMs, works }: DispatcherOptions,
    private readonly events: DispatcherEvents,
  ) {
    this.queue = new Queue(patienceMs, works, Math.random);
    this.local = new LocalHost(runtime);
    this.pantsd = new PantsdClient(pantsdSocket(runtime), {
      reply: (message) => this.answer(message),
      gone: () => {
        this.queue.absent(performance.now());
        this.act();
      },
    });
  }

  get length(): number {
    return this.queue.length;
  }
  get leaseCount(): number {
    return this.queue.leaseCount;
  }
  /** This host's state record, as last read. */
  get homeState(): State | null {
    return this.local.latest;
  }

  add(job: Waiting): void {
    this.queue.add(job, performance.now());
    this.act();
  }

  /** What a job that waits will need is known by now. */
  learned(id: number, need: Need): void {
    this.queue.learned(id, need, performance.now());
    this.act();
  }

  remove(id: number): void {
    this.queue.remove(id);
  }

  /** A lease can serve the next job; `used`: one ran under it. */
  free(lease: Lease, used: boolean): void {
    this.queue.freed(lease.id, used, performance.now());
    this.act();
  }

  /** A job that was sent ahead under a lease does not wait there any more. */
  notAhead(lease: Lease, job: number): void {
    this.queue.notAhead(lease.id, job, performance.now());
    this.act();
  }

  giveUp(lease: Lease): void {
    this.queue.giveUp(lease.id, performance.now());
    this.act();
  }

  /** The lease is good, but its host has only so much memory left, MiB. */
  noMemory(lease: Lease, leftMb: number): void {
    this.queue.noMemory(lease.id, leftMb, performance.now());
    this.act();
  }

  outcome(host: string, ok: boolean, why: string): void {
    this.pantsd.send({ t: "outcome", host, ok, why });
  }

  /** Looks at this host's slots: who waits may take them. */
  look(): HomeSlots {
    const home = this.local.look();
    this.queue.slotsHere(home, performance.now());
    this.act();
    return home;
  }

  /** A program that ran here has ended: somebody may wait for its place. */
  placeFreed(): void {
    if (this.queue.length > 0) this.lookWaiting();
  }

  /** A job that was told to run here has ended. */
  endedHere(job: number): void {
    this.queue.endedHere(job, performance.now());
  }

  tick(): void {
    this.queue.tick(performance.now());
    this.act();
  }

  close(): void {
    clearInterval(this.looking);
    clearTimeout(this.giving);
    this.askNoMore(performance.now());
    this.pantsd.close();
  }

  private answer(message: ControlReply): void {
    const now = performance.now();
    trace?.("answered");
    if (message.t === "grant") this.queue.granted(message.id, message.leases, now);
    else if (message.t === "deny") this.queue.denial(message.id, message.retryMs, message.why, now);
    else if (message.t === "lost") this.queue.lost(message.leases, now);
    this.act();
  }

  /** Does what the queue wants done. */
  private act(): void {
    if (this.acting) return;
    this.acting = true;
    for (let effects = this.queue.take(); effects.length > 0; effects = this.queue.take())
      for (const effect of effects) this.carryOut(effect);
    this.acting = false;
    this.askFirst();
    if (this.queue.length > 0) this.looking ??= setInterval(() => this.lookWaiting(), LOOK_MS);
    const idleMs = this.queue.giveBackAt - performance.now();
    if (idleMs < Number.POSITIVE_INFINITY)
      this.giving ??= setTimeout(() => this.giveBack(), Math.ceil(idleMs));
  }

  private askFirst(): void {
    const now = performance.now();
    if (!this.queue.first) this.askNoMore(now);
    else if (now - this.firstAt >= FIRST_AGAIN_MS) this.sayFirst(now);
  }

  private sayFirst(now: number): void {
    this.firstAt = now;
    this.firstUntil = now + FIRST_MS;
    native.tableQueueFirst(FIRST_MS);
  }

  private askNoMore(now: number): void {
    if (now < this.firstUntil) native.tableQueueFirst(0);
    this.firstAt = this.firstUntil = Number.NEGATIVE_INFINITY;
  }

  private carryOut(effect: Effect): void {
    if (effect.do === "here") this.events.here(effect.job, effect.why, effect.slot);
    else if (effect.do === "look") {
      if (this.events.isPiped(effect.job)) this.queue.piped(effect.job, performance.now());
    } else if (effect.do === "release") this.pantsd.send({ t: "release", leases: effect.leases });
    else if (effect.do === "request") {
      trace?.("requested");
      const { id, count, exclude, wanted } = effect;
      const asked = this.pantsd.send({ t: "request", id, count, compat: this.compat, exclude, wanted });
      if (!asked) this.queue.absent(performance.now());
    } else if (effect.do === "follow") this.events.follow(effect.job);
    else if (effect.do === "callBack") this.events.callBack(effect.job);
    else if (!this.events.assign(effect.job, effect.lease, effect.ahead)) {
      const now = performance.now();
      if (effect.ahead) this.queue.notAhead(effect.lease.id, effect.job, now);
      else this.queue.freed(effect.lease.id, false, now);
    }
  }

  /** Leases that nobody used go back to the leader. */
  private giveBack(): void {
    this.giving = undefined;
    this.tick();
  }

  private lookWaiting(): void {
    const now = performance.now();
    this.queue.looked(this.local.look(STATE_MS), now);
    this.queue.tick(now);
    this.act();
    if (this.queue.length > 0) return;
    clearInterval(this.looking);
    this.looking = undefined;
  }
}
