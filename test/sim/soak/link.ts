/**
 * One prexd's connection to another host, as far as its failures matter: what is said arrives in order while the link
 * lives; when nothing passes for a while both ends give it up, the far end first, and end what ran over it.
 */
import type { Job } from "./ledger.js";
import type { Machine } from "./machine.js";

/** One way. */
const hopMs = 0.3;
/** ssh logs in and starts the agent. */
const loginMs = 12;
/** A login that gets no answer is given up. */
const loginLimitMs = 1500;
const beatMs = 250;
/** Silence after which the far end gives up, and after which home does. Production: 8–10 s and 12 s. */
const farDeadMs = 2000;
const homeDeadMs = 3000;

export class Link {
  state: "connecting" | "up" | "down" = "connecting";
  /** Told once when it is up, and once when it is down for home: `wasUp` tells a lost link from a failed login. */
  onUp: () => void = () => undefined;
  onDown: (why: string, wasUp: boolean) => void = () => undefined;
  /** What runs at the far end, and is ended when that gives the link up. */
  readonly running = new Set<Job>();
  readonly #power: readonly [home: number, far: number];
  readonly #waiting: { readonly at: Machine; readonly run: () => void }[] = [];
  readonly #since: number;
  #heardAt: number;
  #farGone = false;

  constructor(
    private readonly home: Machine,
    readonly far: Machine,
  ) {
    this.#power = [home.powered, far.powered];
    this.#since = home.world.now;
    this.#heardAt = this.#since;
    this.home.world.at(loginMs, () => this.#beat());
  }

  /** Says something to the other end, which does it when it arrives. */
  send(at: Machine, run: () => void): void {
    if (this.state !== "up") return;
    this.#waiting.push({ at, run });
    if (this.#passes()) this.#flush();
  }

  /** Home ends the link on purpose, or dies. */
  close(): void {
    if (this.state === "down") return;
    this.state = "down";
    if (this.#passes()) this.home.world.at(hopMs, () => this.#endFar());
  }

  #beat(): void {
    const { world } = this.home;
    if (this.#passes()) this.#heard();
    const silentMs = world.now - this.#heardAt;
    const rebooted = this.#power[1] !== this.far.powered;
    if (rebooted || silentMs >= farDeadMs) this.#endFar();
    if (this.#power[0] !== this.home.powered) this.close();
    else if (this.state === "connecting" && (rebooted || world.now - this.#since >= loginLimitMs))
      this.#down("cannot be reached");
    else if (this.state === "up" && (rebooted || silentMs >= homeDeadMs)) this.#down("link lost");
    if (this.state !== "down" || !this.#farGone) world.at(beatMs, () => this.#beat());
  }

  #heard(): void {
    // A far end that has given up answers no more; one whose home has closed it learns so now.
    if (this.state === "down") this.#endFar();
    if (this.#farGone) return;
    this.#heardAt = this.home.world.now;
    if (this.state === "connecting") {
      this.state = "up";
      this.onUp();
    }
    this.#flush();
  }

  #down(why: string): void {
    const wasUp = this.state === "up";
    this.state = "down";
    this.onDown(why, wasUp);
  }

  #endFar(): void {
    if (this.#farGone) return;
    this.#farGone = true;
    for (const job of this.running) this.far.executor.end(job, "is ended there, since the link is gone");
    if (this.running.size > 0) this.far.pollSlots();
    this.running.clear();
  }

  #flush(): void {
    for (const { at, run } of this.#waiting.splice(0)) {
      this.home.world.at(hopMs, () => {
        const farEnd = at === this.far;
        const alive = farEnd ? !this.#farGone && this.#power[1] === at.powered : this.state === "up";
        if (alive && at.awake) run();
        else if (alive) this.#waiting.push({ at, run });
      });
    }
  }

  /** Both machines run as they did when the link was made, and the network lets bytes through both ways. */
  #passes(): boolean {
    const { home, far } = this;
    const { connected } = home.world;
    return (
      home.powered === this.#power[0] &&
      far.powered === this.#power[1] &&
      far.up &&
      home.awake &&
      far.awake &&
      connected(home.address, far.address, "unicast") &&
      connected(far.address, home.address, "unicast")
    );
  }
}
