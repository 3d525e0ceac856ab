/** A simulated host: its resources, its slot table, and a pantsd that judges by a production policy. */

import { Promises } from "../../../src/core/kinds/promises.js";
import { makePolicy } from "../../../src/core/policy/make.js";
import type { Interval } from "../../../src/core/policy/policy.js";
import type { LoadSettings } from "../../../src/core/policy/settings.js";
import type { HomeSlots } from "../../../src/helper/wait-model.js";
import type { Executor } from "../figures/caller.js";
import { type Holding, Slots, type Started } from "../figures/slots.js";
import type { SimHost } from "../host.js";
import type { World } from "../world.js";
import { Engine } from "./engine.js";
import { type Beside, Meter } from "./meter.js";
import type { HostModel, Work } from "./model.js";

export type PolicyName = LoadSettings["policy"];

export interface MachineOptions {
  readonly policy: PolicyName;
  /** As shipped when nothing is said; 0 = off. */
  readonly ownerCpu?: number;
  readonly beside?: Beside;
}

export class Machine implements Executor<Work> {
  /** Every interval that has ended. */
  readonly intervals: Interval[] = [];
  readonly #engine: Engine;
  readonly #slots: Slots;
  /** Guests, as src/agent/slots.ts has them. */
  readonly #promises = new Promises();
  #jobs = 0;
  /** Of the next change: an earlier plan is void. */
  #plan = 0;

  constructor(
    private readonly world: World,
    readonly host: SimHost,
    model: HostModel,
    { policy, ownerCpu = 80, beside }: MachineOptions,
  ) {
    this.#engine = new Engine(model, world.now);
    const meter = new Meter(this.#engine, world.random, beside);
    // All but the policy as shipped.
    const settings: LoadSettings = {
      policy,
      cpus: model.cpus,
      thresholds: {},
      ownerCpu,
      roomMb: null,
    };
    const sample = () => {
      this.#progress();
      return meter.sample();
    };
    this.#slots = new Slots(world, host, makePolicy(settings), sample, (interval) => {
      this.intervals.push(interval);
    });
    this.#slots.watch();
  }

  get slots(): HomeSlots {
    return { ...this.#slots.home, availableMb: this.#availableMb };
  }

  start(work: Work, holding: Holding, ended: () => void, memoryMb = 0): Started {
    const guest = holding === "guest";
    const takes = { memoryMb, io: false };
    // In the order of src/agent/admit.ts.
    const leftMb = this.#promises.leftMb(this.#availableMb, this.world.now);
    if (guest && memoryMb > leftMb) return { leftMb };
    if (holding !== "none" && this.#slots.full) {
      if (guest) this.#slots.changed();
      return "full";
    }
    this.#progress();
    this.#slots.hold(holding, 1);
    const job = ++this.#jobs;
    if (guest) this.#promises.begun(job, takes, this.world.now);
    this.#engine.start(work, guest, () => {
      this.#slots.hold(holding, -1);
      if (guest) this.#promises.ended(job, this.#availableMb);
      if (guest) this.#slots.changed();
      // Whoever waits for it does what comes next when everything here is accounted for.
      this.world.at(0, ended);
    });
    this.#replan();
    if (guest) this.#slots.changed();
    return "started";
  }

  get #availableMb(): number {
    return Math.round(this.intervals.at(-1)?.sample.availableMb ?? 0);
  }

  #progress(): void {
    this.#engine.advance(this.world.now);
  }

  #replan(): void {
    this.#plan += 1;
    const plan = this.#plan;
    const at = this.#engine.nextAt();
    if (at === Number.POSITIVE_INFINITY) return;
    this.world.at(Math.max(0, at - this.world.now), () => {
      if (plan !== this.#plan) return;
      this.#progress();
      this.#replan();
    });
  }
}
