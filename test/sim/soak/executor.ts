/** A host's slot table: whoever takes a slot runs in it; the table alone decides. */
import type { Job, Ledger } from "./ledger.js";

export class Executor {
  /** Jobs in a slot; `true` for those of other hosts. */
  readonly #taken = new Map<Job, boolean>();
  /** Jobs that run here without a slot. */
  readonly #beside = new Set<Job>();

  constructor(
    readonly address: string,
    readonly slots: number,
    private readonly ledger: Ledger,
    /** Told before and after a change, which may change the load. */
    private readonly onChange: () => void,
  ) {}

  get counts(): { taken: number; guests: number } {
    let guests = 0;
    for (const guest of this.#taken.values()) if (guest) guests += 1;
    return { taken: this.#taken.size, guests };
  }

  /** CPUs kept busy. */
  get active(): number {
    return this.#taken.size + this.#beside.size;
  }

  /** As many programs may run beside the slots as there are slots. */
  get room(): number {
    return Math.max(0, this.slots - this.#taken.size) + Math.max(0, this.slots - this.#beside.size);
  }

  /** Starts a job in a slot; false when there is none. */
  admit(job: Job, guest: boolean): boolean {
    if (this.full()) return false;
    this.onChange();
    this.#taken.set(job, guest);
    this.ledger.start(job, this.address, this.slots);
    this.onChange();
    return true;
  }

  /** Starts a job of this host without a slot, as an exec that PANTS leaves alone. */
  beside(job: Job): void {
    this.onChange();
    this.#beside.add(job);
    this.ledger.start(job, this.address, null);
    this.onChange();
  }

  /** The job has ended, or was ended. False when it was not here any more. */
  end(job: Job, why: string): boolean {
    this.onChange();
    const here = this.#taken.delete(job) || this.#beside.delete(job);
    if (here) this.ledger.left(job, why);
    this.onChange();
    return here;
  }

  /** The host loses its power. */
  clear(): void {
    for (const job of [...this.#taken.keys(), ...this.#beside])
      this.end(job, `its host ${this.address} went down`);
  }

  protected full(): boolean {
    return this.#taken.size >= this.slots;
  }
}
