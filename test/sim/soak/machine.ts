/**
 * A simulated machine around its pantsd: programs that people start, a slot table, CPU load, a prexd. What pantsd is
 * told of its load comes from the production LoadWatch, as the daemon runs it.
 */
import { nothingMeasured } from "../../../src/core/indices.js";
import { LoadWatch } from "../../../src/daemon/load-watch.js";
import { cpuPolicy } from "../cpu-policy.js";
import type { Answer, SimHost } from "../host.js";
import type { World } from "../world.js";
import { Executor } from "./executor.js";
import type { Job, Ledger } from "./ledger.js";
import { Prexd } from "./prexd.js";

/** What the machines of one run share. */
export interface Site {
  readonly world: World;
  readonly ledger: Ledger;
  /** How often each samples its CPU use. */
  readonly intervalMs: number;
  readonly makeExecutor: (address: string, slots: number, onChange: () => void) => Executor;
  /** The machine that ssh reaches under a host's name. */
  readonly named: (host: string) => Machine | undefined;
  /** A client asked its pantsd. */
  readonly asked: (host: SimHost, client: number, id: number) => void;
  /** A client is gone. */
  readonly gone: (host: SimHost, client: number) => void;
}

export class Machine {
  /** How often it was switched on. */
  powered = 1;
  up = true;
  /** Not suspended. */
  awake = true;
  /** Its pantsd is stopped by a signal. */
  #stopped = false;
  readonly executor: Executor;
  readonly world: World;
  readonly ledger: Ledger;
  #prexd: Prexd;
  #watch!: LoadWatch;
  #clients = 0;
  /** CPU use of everything but jobs, percent. */
  #background = 0;
  /** Integral of the CPU use since the last sample, and until when. */
  #cpuMs = 0;
  #cpuAt = 0;
  #sampledAt = 0;
  #asleep: (() => void)[] = [];

  constructor(
    readonly site: Site,
    readonly host: SimHost,
  ) {
    this.world = site.world;
    this.ledger = site.ledger;
    this.executor = site.makeExecutor(host.address, host.slots, () => this.#account());
    this.#prexd = this.#makePrexd();
    this.#startWatch();
  }

  get address(): string {
    return this.host.address;
  }

  /** Its monotonic clock. */
  get clock(): number {
    return this.host.monotonic(this.world.now);
  }

  get idle(): boolean {
    return this.executor.active === 0 && this.#prexd.idle;
  }

  /** What its pantsd tells the cluster. */
  get load() {
    return this.#watch.local(this.clock);
  }

  set background(percent: number) {
    this.#account();
    this.#background = percent;
  }

  /** Does something after a while, unless the power fails before; a suspended machine does it when it wakes. */
  after(ms: number, run: () => void): void {
    const { powered } = this;
    this.world.at(ms, () => {
      if (this.powered !== powered || !this.up) return;
      if (this.awake) run();
      else this.#asleep.push(run);
    });
  }

  /** Somebody starts a marked program: the shim's decision. */
  exec(durationMs: number): void {
    if (!this.up || !this.awake) return;
    const job = this.ledger.create(this.address, durationMs);
    const { host } = this;
    if (!host.alive || host.paused) this.#beside(job);
    else if (!this.#watch.verdict(this.clock).busy && this.executor.admit(job, false)) this.#endLater(job);
    else if (host.node.worthAskingAt(this.clock) > this.clock && this.executor.room > 0) this.#beside(job);
    else this.#prexd.submit(job);
  }

  /** A job of this host runs here after all. */
  runHere(job: Job, why: string): void {
    this.ledger.note(job, `told to run here: ${why}`);
    job.fellBack = true;
    if (this.executor.admit(job, false)) this.#endLater(job);
    else this.#beside(job);
  }

  /** A guest job took or gave back a slot: pantsd looks at once. */
  pollSlots(): void {
    const { host } = this;
    if (!host.alive) return;
    if (host.paused) {
      host.inbox.push(() => this.pollSlots());
      return;
    }
    this.#watch.poll(this.clock, this.#leased());
    if (this.#watch.sample) this.#tell();
  }

  /** An answer of pantsd's to one of its clients. */
  answer(answer: Answer): void {
    this.after(0.1, () => {
      if (answer.client === this.#prexd.client) this.#prexd.answered(answer);
    });
  }

  powerOff(): void {
    if (!this.up) return;
    this.world.crash(this.address);
    this.up = false;
    this.executor.clear();
    this.#prexd.vanish();
    for (const job of this.ledger.open.values())
      if (job.home === this.address) this.ledger.over(job, "its caller went down");
    this.#asleep = [];
  }

  powerOn(sameBoot: boolean): void {
    if (this.up) return;
    this.powered += 1;
    this.up = true;
    this.awake = true;
    this.#stopped = false;
    this.#prexd = this.#makePrexd();
    this.pantsdStart(sameBoot);
  }

  /** Stops pantsd by a signal, or lets it go on. */
  set stopped(stopped: boolean) {
    this.#stopped = stopped;
    this.#pauseOrResume();
  }

  suspend(): void {
    this.awake = false;
    this.#pauseOrResume();
  }

  wake(): void {
    if (this.awake) return;
    this.awake = true;
    this.#pauseOrResume();
    for (const run of this.#asleep.splice(0)) run();
  }

  pantsdCrash(): void {
    if (!this.host.alive) return;
    this.world.crash(this.address);
    this.#prexd.absent();
  }

  pantsdStart(sameBoot: boolean): void {
    if (!this.up || this.host.alive) return;
    this.world.restart(this.address, sameBoot);
    this.#stopped = false;
    this.#pauseOrResume();
    this.#prexd.client = ++this.#clients;
    this.#startWatch();
  }

  /** prexd dies: its stand-ins run what was not started, the far ends stop what was. */
  prexdCrash(): void {
    if (!this.up) return;
    const { client } = this.#prexd;
    this.#prexd.die();
    this.site.gone(this.host, client);
    this.world.step(this.host, { kind: "disconnect", client });
    this.#prexd = this.#makePrexd();
  }

  #pauseOrResume(): void {
    const paused = this.#stopped || !this.awake;
    if (paused === this.host.paused) return;
    if (paused) this.world.pause(this.address);
    else this.world.resume(this.address);
  }

  #makePrexd(): Prexd {
    return new Prexd(this, ++this.#clients);
  }

  #beside(job: Job): void {
    this.executor.beside(job);
    this.#endLater(job);
  }

  #endLater(job: Job): void {
    this.after(job.durationMs, () => {
      if (this.executor.end(job, "ends")) this.ledger.over(job, "its caller goes on");
    });
  }

  #startWatch(): void {
    this.#sampledAt = this.clock;
    const source = {
      sample: () => ({ ...nothingMeasured, cpu: this.#cpuPercent() }),
      cpuSoFar: () => this.#cpuSoFar(),
      slots: () => this.executor.counts,
    };
    const { slots } = this.host;
    const settings = { intervalMs: this.site.intervalMs, slotsTotal: slots };
    this.#watch = new LoadWatch(source, cpuPolicy(), settings, this.clock);
    this.#arm();
  }

  #arm(): void {
    const { starts } = this.host;
    const at = this.host.trueTime(this.#watch.wakeAt());
    this.world.at(Math.max(0, at - this.world.now), () => this.#tick(starts));
  }

  #tick(starts: number): void {
    const { host } = this;
    if (!host.alive || host.starts !== starts) return;
    if (host.paused) {
      host.inbox.push(() => this.#tick(starts));
      return;
    }
    const news = this.#watch.tick(this.clock, this.#leased());
    if (news !== "same" && this.#watch.sample) this.#tell();
    this.#arm();
  }

  #leased(): boolean {
    return this.host.node.leasesHeld > 0 || this.host.node.leasesGranted > 0;
  }

  #tell(): void {
    this.host.load = this.#watch.local(this.clock);
    this.world.step(this.host, { kind: "load", load: this.host.load });
  }

  #account(): void {
    const now = this.clock;
    const jobs = (100 * this.executor.active) / this.host.slots;
    this.#cpuMs += Math.min(100, this.#background + jobs) * (now - this.#cpuAt);
    this.#cpuAt = now;
  }

  #cpuPercent(): number {
    const percent = this.#cpuSoFar();
    this.#cpuMs = 0;
    this.#sampledAt = this.clock;
    return percent;
  }

  #cpuSoFar(): number {
    this.#account();
    const ms = this.clock - this.#sampledAt;
    return ms > 0 ? this.#cpuMs / ms : 0;
  }
}
