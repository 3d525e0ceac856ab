/**
 * Who leads. Silence or RESIGN lets free hosts claim, the lowest ballot first; whoever heard the leader lately answers
 * HOLD, others VOTE; a claim that was voted for, or that nobody answers, leads and says so at once. Two leaders are
 * settled by the first ADVERT between them.
 */
import { beats, type Candidacy, established } from "./candidacy.js";
import { Candidate } from "./candidate.js";
import type { Ballots, Random, Role, Send } from "./events.js";
import { Following, type KnownLeader } from "./following.js";
import type { Advert, Claim, Hold, Resign, Sender, Vote } from "./messages.js";
import { backoffFor, type Tuning } from "./tuning.js";

export interface ElectionOptions {
  readonly self: Sender;
  readonly tuning: Tuning;
  readonly random: Random;
  readonly ballots: Ballots;
  readonly send: Send;
  /** Makes the leader's ADVERT of this moment. */
  readonly advertise: (epoch: number, ballot: number, votes: number) => Advert;
  /** For how long the leader that is followed could know this host: ms since the first report to it. */
  readonly reportedMs: (now: number) => number;
  /** Another machine leads under this host's name. */
  readonly onNamesake: (leader: Sender) => void;
}

const ballotRange = 0x1_0000_0000;
const freeGroup = { group: "free" } as const;
const noId = "0000000000000000";

export class Election {
  role: Role = "busy";
  /** Highest epoch of any leader heard of, or led. Never falls. */
  epoch = 0;
  #ledAt = 0;
  /** Boot of the last host that claimed while this one led, and was answered. */
  #answered = "";
  /** Free: when to claim. Candidate: when to lead. Leader: next ADVERT. */
  #nextAt = Number.POSITIVE_INFINITY;
  #advertisedAt = Number.NEGATIVE_INFINITY;
  readonly #following: Following;
  readonly #candidate: Candidate;
  readonly #self: Sender;
  readonly #tuning: Tuning;
  readonly #ballots: Ballots;
  readonly #send: Send;

  constructor(private readonly options: ElectionOptions) {
    this.#following = new Following(options.tuning);
    this.#self = options.self;
    this.#tuning = options.tuning;
    this.#ballots = options.ballots;
    this.#candidate = new Candidate(this.#self.id, this.#tuning, this.#ballots);
    this.#send = options.send;
  }

  get leader(): KnownLeader | null {
    return this.#following.leader;
  }

  /** Free hosts that the last leader heard of had in its table. */
  get hostsSeen(): number {
    return this.#following.hostsSeen;
  }

  wakeAt(): number {
    return this.#nextAt;
  }

  becomeFree(now: number): void {
    this.role = "free";
    this.#following.leader = null;
    this.#wait(now, this.#tuning.listenMs);
  }

  /** Leaves both groups; a leader says that it does. */
  becomeBusy(now: number): void {
    if (this.role === "leader") this.#send(freeGroup, { type: "resign", epoch: this.epoch });
    this.leave(now);
  }

  /** Leaves both groups without a word. */
  leave(now: number): void {
    this.#stand("busy", now);
    this.#following.leader = null;
    this.#nextAt = Number.POSITIVE_INFINITY;
  }

  /** A leader that no longer hears anybody lets others try first. */
  abdicate(now: number): void {
    this.#send(freeGroup, { type: "resign", epoch: this.epoch });
    this.#step(now, this.#tuning.silenceMs);
  }

  /** A leader that was not heard for so long that others elect another does not act as one: it listens first. */
  wakeUp(now: number): void {
    if (this.role === "leader" && now - this.#advertisedAt > this.#tuning.silenceMs)
      this.#step(now, this.#tuning.listenMs);
  }

  tick(now: number): void {
    if (now < this.#nextAt) return;
    if (this.role === "leader") this.#advert(now);
    else if (now - this.#nextAt > this.#tuning.sleptMs) this.#step(now, this.#tuning.listenMs);
    else if (this.role === "free") this.#beginClaim(now);
    else if (this.#candidate.mayLead(now)) this.#lead(now);
    else this.#claim(now);
  }

  /** Answers a host that does not know yet who leads. */
  introduce(to: Sender, now: number): void {
    if (this.role === "leader") this.#send({ address: to.address }, this.#mine(now));
  }

  onAdvert(from: Sender, advert: Advert, now: number): void {
    this.#candidate.heardOther(now);
    if (this.role === "leader") {
      this.#meet(from, advert, now);
      return;
    }
    const verdict = this.#following.judge(from, advert, this.epoch, this.options.reportedMs(now), now);
    if (verdict === "follow") this.#follow(from, advert, now);
    else if (verdict === "shun") {
      this.#following.shun(from);
      this.#step(now, 0);
    } else if (verdict === "tell") {
      // A host without a leader may be the only one that knows of the later epoch.
      this.#hold(from, this.#following.alive(now) ? this.hostsSeen : 1, now);
    }
  }

  onClaim(from: Sender, claim: Claim, now: number): void {
    this.#candidate.heardOther(now);
    const theirs = { epoch: claim.epoch, ballot: claim.ballot, id: from.id };
    if (this.role === "leader") {
      this.#answered = from.boot;
      this.introduce(from, now);
      return;
    }
    if (this.role === "candidate") {
      if (beats(theirs, this.#candidate.candidacy)) this.#vote(from, theirs, now);
      else this.#send({ address: from.address }, this.#claimMessage());
      return;
    }
    const current = this.leader;
    if (current && (current.from.id === from.id || current.advert.epoch === claim.resigned))
      this.#following.leader = null;
    const used = claim.epoch <= this.epoch;
    if (this.#following.alive(now) || used) this.#hold(from, this.hostsSeen, now);
    if (this.#following.alive(now)) return;
    if (used) this.#yield(now);
    else this.#vote(from, theirs, now);
  }

  onHold(hold: Hold, now: number): void {
    this.#candidate.heardOther(now);
    const usedUp = hold.leader === "" || hold.id === this.#self.id;
    if (this.role === "leader") {
      if (usedUp && hold.epoch >= this.epoch) this.#rise(hold.epoch, now);
      else if (!usedUp && (hold.epoch > this.epoch || !established(this.#mine(now)))) {
        this.epoch = Math.max(this.epoch, hold.epoch);
        this.#step(now, this.#tuning.silenceMs);
      }
    } else if (this.role === "candidate") {
      if (!usedUp) this.#step(now, this.#tuning.silenceMs);
      else if (hold.epoch >= this.#candidate.epoch) {
        this.epoch = hold.epoch;
        this.#beginClaim(now);
      }
    }
  }

  onVote(vote: Vote, now: number): void {
    this.#candidate.heardOther(now);
    if (this.role === "candidate" || this.role === "leader") this.#candidate.onVote(vote.epoch);
  }

  onResign(from: Sender, resign: Resign, now: number): void {
    this.#candidate.heardOther(now);
    if (this.role !== "free" || this.leader?.from.boot !== from.boot) return;
    this.#following.leader = null;
    this.#following.resigned = resign.epoch;
    this.#wait(now, 0);
  }

  /**
   * Two leaders: the better one stays. But one that others report to does not yield to one that may be deaf, and none
   * yields to one that was answered when it claimed and leads all the same.
   */
  #meet(from: Sender, advert: Advert, now: number): void {
    const mine = this.#mine(now);
    const lost = beats({ ...advert, id: from.id }, { ...mine, id: this.#self.id });
    const stands = established(mine) || this.#answered === from.boot;
    if (stands && !established(advert)) {
      // Once: two who both answered in vain would rise above each other for ever.
      this.#answered = "";
      if (lost) this.#rise(advert.epoch, now);
      else this.introduce(from, now);
    } else if (lost) this.#follow(from, advert, now);
    else if (established(advert) && !established(mine)) {
      this.#send({ address: from.address }, { type: "hold", epoch: this.epoch, leader: "", id: noId });
      this.#step(now, this.#tuning.silenceMs);
    } else if (now - this.#advertisedAt >= this.#tuning.reportGapMs) this.#advert(now);
  }

  #beginClaim(now: number): void {
    this.role = "candidate";
    this.#following.leader = null;
    this.#candidate.begin(this.epoch + 1);
    this.#claim(now);
  }

  #claim(now: number): void {
    this.#candidate.claimed();
    this.#nextAt = now + this.#tuning.holdMs;
    this.#send(freeGroup, this.#claimMessage());
  }

  #claimMessage(): Claim {
    const { epoch, ballot } = this.#candidate.candidacy;
    return { type: "claim", epoch, ballot, resigned: this.#following.resigned };
  }

  #lead(now: number): void {
    this.role = "leader";
    this.epoch = this.#candidate.epoch;
    this.#ledAt = now;
    this.#advert(now);
  }

  /** This host leads on, in an epoch above the one that was used up. */
  #rise(epoch: number, now: number): void {
    this.epoch = epoch + 1;
    this.#advert(now);
  }

  #mine(now: number): Advert {
    const votes = now - this.#ledAt <= this.#tuning.settleMs ? this.#candidate.votes : 0;
    return this.options.advertise(this.epoch, this.#ballots.own(this.epoch), votes);
  }

  #advert(now: number): void {
    this.#advertisedAt = now;
    this.#nextAt = now + this.#tuning.advertMs;
    this.#send(freeGroup, this.#mine(now));
  }

  #follow(from: Sender, advert: Advert, now: number): void {
    if (from.host === this.#self.host) {
      this.options.onNamesake(from);
      return;
    }
    this.#stand("free", now);
    this.epoch = Math.max(this.epoch, advert.epoch);
    this.#following.follow(from, advert, now);
    this.#candidate.settled();
    this.#wait(now, this.#tuning.silenceMs);
  }

  /** Back to a free host without a leader, which claims after so long. */
  #step(now: number, ms: number): void {
    this.#stand("free", now);
    this.#following.leader = null;
    this.#wait(now, ms);
  }

  /** What a leader knew of the cluster's size outlives its time. */
  #stand(role: Role, now: number): void {
    if (this.role === "leader") this.#following.hostsSeen = this.#mine(now).hosts;
    this.role = role;
  }

  /** Votes for a candidate and waits, unless a better one is heard; of many hosts about five vote. */
  #vote(from: Sender, claim: Candidacy, now: number): void {
    if (!this.#candidate.prefers(claim, now)) return;
    this.#yield(now);
    if (this.options.random() * this.hostsSeen < this.#tuning.holdsExpected)
      this.#send({ address: from.address }, { type: "vote", epoch: claim.epoch });
  }

  /** Another claims first: gives it time to lead and to be heard. */
  #yield(now: number): void {
    this.role = "free";
    this.#wait(now, 2 * this.#tuning.holdMs);
  }

  /** Until the next claim; the lowest ballot of that epoch claims first when all have waited. */
  #wait(now: number, ms: number): void {
    const draw = this.#ballots.own(this.epoch + 1) / ballotRange;
    this.#nextAt = now + ms + draw * backoffFor(this.hostsSeen, this.#tuning);
  }

  /** Tells a candidate or a stale leader what it missed; of many hosts that could, about five do. */
  #hold(to: Sender, hosts: number, now: number): void {
    const current = this.#following.alive(now);
    if (this.options.random() * hosts >= this.#tuning.holdsExpected) return;
    const { host, id } = current?.from ?? { host: "", id: noId };
    this.#send({ address: to.address }, { type: "hold", epoch: this.epoch, leader: host, id });
  }
}
