/**
 * A simulated host's CPUs and slot table. Running jobs share the CPUs evenly, each at most one; the table refuses a
 * guest when every slot is taken; pantsd sees both as the production load watch does.
 */
import { nothingMeasured } from "../../../src/core/indices.js";
import type { HomeSlots } from "../../../src/helper/wait-model.js";
import { cpuPolicy } from "../cpu-policy.js";
import type { SimHost } from "../host.js";
import type { World } from "../world.js";
import { type Holding, Slots, type Started } from "./slots.js";

interface Running {
  leftMs: number;
  readonly holding: Holding;
  readonly ended: () => void;
}

export class Machine {
  readonly #running = new Set<Running>();
  readonly #slots: Slots;
  /** CPU time used so far, ms, and until when it is counted. */
  #usedMs = 0;
  #countedAt: number;
  /** As of the last sample. */
  #sample: { usedMs: number; at: number };
  /** Of the next end of a job: an earlier plan is void. */
  #plan = 0;

  /** @param occupied - load of others keeps it busy, whatever our jobs do */
  constructor(
    private readonly world: World,
    readonly host: SimHost,
    private readonly occupied: boolean,
  ) {
    const { now } = world;
    this.#countedAt = now;
    this.#sample = { usedMs: 0, at: now };
    const sample = () => ({ ...nothingMeasured, cpu: this.#percent() });
    this.#slots = new Slots(world, host, cpuPolicy(), sample);
    if (!occupied) this.#slots.watch();
  }

  get taken(): number {
    return this.#slots.taken;
  }

  get slots(): HomeSlots {
    return { ...this.#slots.home, free: this.usable };
  }

  get busy(): boolean {
    return this.occupied || this.#slots.busy;
  }

  /** Slots that a program of this host may take. */
  get usable(): number {
    return this.busy ? 0 : Math.max(0, this.host.slots - this.taken);
  }

  /** Starts a job of so much CPU time. */
  start(workMs: number, holding: Holding, ended: () => void): Started {
    if (holding !== "none" && this.#slots.full) {
      if (holding === "guest") this.#changed();
      return "full";
    }
    this.#progress();
    this.#slots.hold(holding, 1);
    this.#running.add({ leftMs: workMs, holding, ended });
    this.#replan();
    if (holding === "guest") this.#changed();
    return "started";
  }

  /** How fast each job runs: 1 while there is a CPU for each. */
  #speed(): number {
    return Math.min(1, this.host.slots / Math.max(1, this.#running.size));
  }

  #progress(): void {
    const passed = this.world.now - this.#countedAt;
    const done = passed * this.#speed();
    for (const job of this.#running) job.leftMs -= done;
    this.#usedMs +=
      passed * (this.occupied ? this.host.slots : Math.min(this.host.slots, this.#running.size));
    this.#countedAt = this.world.now;
  }

  #replan(): void {
    this.#plan += 1;
    const plan = this.#plan;
    let least = Number.POSITIVE_INFINITY;
    for (const job of this.#running) least = Math.min(least, job.leftMs);
    if (least === Number.POSITIVE_INFINITY) return;
    this.world.at(Math.max(0, least) / this.#speed(), () => {
      if (plan === this.#plan) this.#finish();
    });
  }

  #finish(): void {
    this.#progress();
    const over = [...this.#running].filter(({ leftMs }) => leftMs < 1e-6);
    for (const job of over) {
      this.#running.delete(job);
      this.#slots.hold(job.holding, -1);
    }
    this.#replan();
    if (over.some(({ holding }) => holding === "guest")) this.#changed();
    for (const job of over) job.ended();
  }

  /** Percent of the CPUs used since the last sample. */
  #percent(): number {
    this.#progress();
    const { usedMs, at } = this.#sample;
    const passed = this.world.now - at;
    this.#sample = { usedMs: this.#usedMs, at: this.world.now };
    return passed > 0 ? (100 * (this.#usedMs - usedMs)) / (passed * this.host.slots) : 0;
  }

  /** An agent did something to the slots. */
  #changed(): void {
    if (!this.occupied) this.#slots.changed();
  }
}
