/** The leader as a free host knows it: whom it follows, whether that one counts as living, and what an ADVERT means to it. */
import { beats, established } from "./candidacy.js";
import type { Advert, Sender } from "./messages.js";
import type { Tuning } from "./tuning.js";

export interface KnownLeader {
  readonly from: Sender;
  readonly advert: Advert;
  readonly heardAt: number;
}

/** What to do on an ADVERT: `tell` its sender what it missed; `shun` a leader that does not hear. */
export type Verdict = "follow" | "ignore" | "tell" | "shun";

export class Following {
  /** Null for the leader itself and while none is known. */
  leader: KnownLeader | null = null;
  /** Free hosts that the last leader heard of had in its table. */
  hostsSeen = 0;
  /** Epoch of the last leader that resigned, for the claim that follows. */
  resigned = 0;
  /** Boot of a leader that did not hear this host's reports: not followed again while it has no hosts. */
  #deaf = "";

  constructor(private readonly tuning: Tuning) {}

  /** The leader, if it was heard lately enough to vouch for it, and hears others. */
  alive(now: number): KnownLeader | null {
    const { leader } = this;
    if (!leader || !established(leader.advert)) return null;
    return now - leader.heardAt <= this.tuning.vouchMs ? leader : null;
  }

  /** @param epoch the highest known here @param reportedMs for how long the leader that is followed could know this host */
  judge(from: Sender, advert: Advert, epoch: number, reportedMs: number, now: number): Verdict {
    // An ADVERT overtaken by its sender's RESIGN: nobody leads twice in one epoch.
    if (advert.epoch === this.resigned) return "ignore";
    const current = this.leader;
    if (current?.from.boot === from.boot) {
      if (advert.epoch < current.advert.epoch) return "ignore";
      return advert.hosts <= 1 && reportedMs > this.tuning.silenceMs ? "shun" : "follow";
    }
    if (from.boot === this.#deaf && advert.hosts <= 1) return "ignore";
    if (advert.epoch < epoch || (this.alive(now) && !established(advert))) return "tell";
    if (current && now - current.heardAt <= this.tuning.vouchMs && advert.epoch === current.advert.epoch) {
      const stronger = established(advert) && !established(current.advert);
      const worse = beats({ ...current.advert, id: current.from.id }, { ...advert, id: from.id });
      if (worse && !stronger) return "ignore";
    }
    return "follow";
  }

  follow(from: Sender, advert: Advert, now: number): void {
    this.leader = { from, advert, heardAt: now };
    // A young leader has yet to hear of most.
    this.hostsSeen = advert.votes > 0 ? Math.max(this.hostsSeen, advert.hosts) : advert.hosts;
    this.resigned = 0;
    if (advert.hosts > 1) this.#deaf = "";
  }

  /** That leader knows nobody although this host reported to it long enough ago. */
  shun(leader: Sender): void {
    this.#deaf = leader.boot;
    this.leader = null;
  }
}
