/**
 * Who leads. Silence or RESIGN lets free hosts claim, each after a back-off drawn as its ballot; whoever heard the
 * leader lately answers HOLD; a claim that nobody contradicts leads and says so at once. Two leaders are settled by
 * the first ADVERT between them: higher epoch, then lower ballot, then the name.
 */
import type { Random, Role, Send } from "./events.js";
import type { Advert, Claim, Hold, Resign, Sender } from "./messages.js";
import type { Tuning } from "./tuning.js";

export interface KnownLeader {
  readonly from: Sender;
  readonly advert: Advert;
  readonly heardAt: number;
}

/** Makes the leader's ADVERT of this moment. */
export type Advertise = (epoch: number, ballot: number) => Advert;

const ballotRange = 0x1_0000_0000;
const freeGroup = { group: "free" } as const;

export class Election {
  role: Role = "busy";
  /** Highest epoch of any leader heard of, or led. Never falls. */
  epoch = 0;
  /** The leader this host follows; null for the leader itself and while none is known. */
  leader: KnownLeader | null = null;
  /** Free hosts that the last leader heard of had in its table. */
  hostsSeen = 0;
  /** Epoch of the last leader that resigned, for the claim that follows. */
  #resigned = 0;
  #ballot = 0;
  /** Epoch claimed, or led. */
  #claimed = 0;
  /** Free: when to claim. Candidate: when to lead. Leader: next ADVERT. */
  #nextAt = Number.POSITIVE_INFINITY;
  #advertisedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly host: string,
    private readonly tuning: Tuning,
    private readonly random: Random,
    private readonly send: Send,
    private readonly advertise: Advertise,
  ) {}

  wakeAt(): number {
    return this.#nextAt;
  }

  becomeFree(now: number): void {
    this.role = "free";
    this.leader = null;
    this.#wait(now, this.tuning.listenMs);
  }

  /** Leaves both groups; a leader says that it does. */
  becomeBusy(): void {
    if (this.role === "leader") this.send(freeGroup, { type: "resign", epoch: this.epoch });
    this.role = "busy";
    this.leader = null;
    this.#nextAt = Number.POSITIVE_INFINITY;
  }

  tick(now: number): void {
    if (now < this.#nextAt) return;
    if (this.role === "leader") this.#advert(now);
    else if (now - this.#nextAt > this.tuning.sleptMs) {
      this.role = "free";
      this.#wait(now, this.tuning.listenMs);
    } else if (this.role === "candidate") this.#lead(now);
    else this.#claim(now);
  }

  /** Answers a host that does not know yet who leads. */
  introduce(to: Sender): void {
    if (this.role === "leader") this.send({ address: to.address }, this.advertise(this.epoch, this.#ballot));
  }

  onAdvert(from: Sender, advert: Advert, now: number): void {
    if (this.role === "leader") {
      if (this.#beatsMine(advert.epoch, advert.ballot, from.host)) this.#follow(from, advert, now);
      else if (now - this.#advertisedAt >= this.tuning.reportGapMs) this.#advert(now);
      return;
    }
    // An ADVERT overtaken by its sender's RESIGN: nobody leads twice in one epoch.
    if (advert.epoch === this.#resigned) return;
    if (advert.epoch < this.epoch) {
      this.#hold(from, now);
      return;
    }
    const current = this.#alive(now);
    if (current && advert.epoch === this.epoch && current.from.boot !== from.boot) {
      const { ballot } = current.advert;
      if (ballot < advert.ballot || (ballot === advert.ballot && current.from.host < from.host)) return;
    }
    this.#follow(from, advert, now);
  }

  onClaim(from: Sender, claim: Claim, now: number): void {
    if (this.role === "leader") {
      this.introduce(from);
      return;
    }
    if (this.role === "candidate") {
      if (this.#beatsMine(claim.epoch, claim.ballot, from.host)) this.#yield(now);
      else this.send({ address: from.address }, this.#claimMessage());
      return;
    }
    const current = this.leader;
    if (current && (current.from.host === from.host || current.advert.epoch === claim.resigned))
      this.leader = null;
    if (this.#alive(now) || claim.epoch <= this.epoch) this.#hold(from, now);
    if (!this.#alive(now)) this.#yield(now);
  }

  onHold(hold: Hold, now: number): void {
    const usedUp = hold.leader === "" || hold.leader === this.host;
    if (this.role === "leader") {
      if (usedUp && hold.epoch >= this.epoch) {
        this.epoch = hold.epoch + 1;
        this.#advert(now);
      } else if (!usedUp && hold.epoch > this.epoch) {
        this.epoch = hold.epoch;
        this.role = "free";
        this.#wait(now, this.tuning.silenceMs);
      }
    } else if (this.role === "candidate") {
      if (!usedUp) {
        this.role = "free";
        this.#wait(now, this.tuning.silenceMs);
      } else if (hold.epoch >= this.#claimed) {
        this.epoch = hold.epoch;
        this.#claim(now);
      }
    }
  }

  onResign(from: Sender, resign: Resign, now: number): void {
    if (this.role !== "free" || this.leader?.from.host !== from.host) return;
    this.leader = null;
    this.#resigned = resign.epoch;
    this.#wait(now, 0);
  }

  #claim(now: number): void {
    this.role = "candidate";
    this.leader = null;
    this.#claimed = this.epoch + 1;
    this.#nextAt = now + this.tuning.holdMs;
    this.send(freeGroup, this.#claimMessage());
  }

  #claimMessage(): Claim {
    return { type: "claim", epoch: this.#claimed, ballot: this.#ballot, resigned: this.#resigned };
  }

  #lead(now: number): void {
    this.role = "leader";
    this.epoch = this.#claimed;
    this.#advert(now);
  }

  #advert(now: number): void {
    this.#advertisedAt = now;
    this.#nextAt = now + this.tuning.advertMs;
    this.send(freeGroup, this.advertise(this.epoch, this.#ballot));
  }

  #follow(from: Sender, advert: Advert, now: number): void {
    this.role = "free";
    this.epoch = Math.max(this.epoch, advert.epoch);
    this.leader = { from, advert, heardAt: now };
    this.hostsSeen = advert.hosts;
    this.#resigned = 0;
    this.#wait(now, this.tuning.silenceMs);
  }

  /** Another claims first: gives it time to lead and to be heard. */
  #yield(now: number): void {
    this.role = "free";
    this.#wait(now, 2 * this.tuning.holdMs);
  }

  /** Draws a ballot; the lowest claims first when all have waited. */
  #wait(now: number, ms: number): void {
    const draw = this.random();
    this.#ballot = Math.floor(draw * ballotRange);
    this.#nextAt = now + ms + draw * this.tuning.backoffMs;
  }

  /** The leader, if it was heard lately enough to vouch for it. */
  #alive(now: number): KnownLeader | null {
    return this.leader && now - this.leader.heardAt <= this.tuning.vouchMs ? this.leader : null;
  }

  /** Tells a candidate or a stale leader what it missed; of many hosts that could, about five do. */
  #hold(to: Sender, now: number): void {
    const current = this.#alive(now);
    const hosts = current?.advert.hosts ?? 1;
    if (this.random() * hosts >= this.tuning.holdsExpected) return;
    this.send({ address: to.address }, { type: "hold", epoch: this.epoch, leader: current?.from.host ?? "" });
  }

  #beatsMine(epoch: number, ballot: number, host: string): boolean {
    const mine = this.role === "leader" ? this.epoch : this.#claimed;
    if (epoch !== mine) return epoch > mine;
    if (ballot !== this.#ballot) return ballot < this.#ballot;
    return host < this.host;
  }
}
