/** A simulated host's slot table, and its pantsd's load watch, the production one, which tells the cluster of both. */
import type { Sample } from "../../../src/core/indices.js";
import { diskCauses, type Interval, type Policy } from "../../../src/core/policy/policy.js";
import { LoadWatch } from "../../../src/daemon/load-watch.js";
import type { HomeSlots } from "../../../src/helper/wait-model.js";
import type { SimHost } from "../host.js";
import type { World } from "../world.js";

/** `own` and `guest` hold a slot; `none` runs without one. */
export type Holding = "own" | "guest" | "none";

/** Whether a job was started; not when it needs a slot and none is left, or more memory than there is. */
export type Started = "started" | "full" | { readonly leftMb: number };

/** As configured when nothing is: `load.interval_ms`. */
const intervalMs = 1000;

export class Slots {
  readonly #watch: LoadWatch;
  #taken = 0;
  #guests = 0;
  #beside = 0;

  /** @param sample - indices since the last call */
  constructor(
    private readonly world: World,
    private readonly host: SimHost,
    policy: Policy,
    sample: () => Sample,
    /** Told of every interval that ends. */
    private readonly sampled: (interval: Interval) => void = () => undefined,
  ) {
    const slots = () => ({ taken: this.#taken, guests: this.#guests });
    const source = { sample, cpuSoFar: () => null, slots };
    this.#watch = new LoadWatch(source, policy, { intervalMs, slotsTotal: host.slots }, world.now);
  }

  get taken(): number {
    return this.#taken;
  }

  get busy(): boolean {
    return this.#watch.verdict(this.world.now).busy;
  }

  get full(): boolean {
    return this.#taken >= this.host.slots;
  }

  /** As prexd sees them: as many programs may run beside the slots as there are slots. */
  get home(): HomeSlots {
    const total = this.host.slots;
    const left = Math.max(0, total - this.#taken);
    const room = left + Math.max(0, total - this.#beside);
    const { busy, cause } = this.#watch.verdict(this.world.now);
    const diskBusy = busy && cause !== null && diskCauses.has(cause.what);
    const beside = this.#beside;
    const closed = busy && !diskBusy && cause?.what !== "room";
    return { free: busy ? 0 : left, taken: this.#taken, total, room, beside, diskBusy, closed };
  }

  /** Begins to look, within an interval from now. */
  watch(): void {
    this.world.at(intervalMs * this.world.random(), () => this.#look());
  }

  hold(holding: Holding, change: 1 | -1): void {
    if (holding === "none") this.#beside += change;
    else this.#taken += change;
    if (holding === "guest") this.#guests += change;
  }

  /** An agent took a slot, found none or gave one back, and tells pantsd at once. */
  changed(): void {
    this.#watch.poll(this.world.now, this.#leased());
    if (this.#watch.sample) this.#tell();
  }

  #look(): void {
    const news = this.#watch.tick(this.world.now, this.#leased());
    if (news === "sampled" && this.#watch.interval) this.sampled(this.#watch.interval);
    if (news !== "same" && this.#watch.sample) this.#tell();
    this.world.at(Math.max(0, this.#watch.wakeAt() - this.world.now), () => this.#look());
  }

  #tell(): void {
    const load = this.#watch.local(this.world.now);
    this.host.load = load;
    this.world.step(this.host, { kind: "load", load });
  }

  #leased(): boolean {
    const { node } = this.host;
    return node.leasesHeld > 0 || node.leasesGranted > 0;
  }
}
