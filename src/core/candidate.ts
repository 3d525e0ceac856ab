/** This host's candidacy, and the best of others that it heard of. */
import { beats, type Candidacy } from "./candidacy.js";
import type { Ballots } from "./events.js";
import type { Tuning } from "./tuning.js";

export class Candidate {
  /** Epoch claimed, or led. */
  epoch = 0;
  votes = 0;
  #claims = 0;
  /** Best claim heard of late: a lesser one gets no vote. */
  #best: { readonly claim: Candidacy; readonly at: number } | null = null;
  /** When another host last took part in an election, or led. */
  #othersAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly id: string,
    private readonly tuning: Tuning,
    private readonly ballots: Ballots,
  ) {}

  /** Under the key that is in force now. */
  get candidacy(): Candidacy {
    return { epoch: this.epoch, ballot: this.ballots.own(this.epoch), id: this.id };
  }

  begin(epoch: number): void {
    this.epoch = epoch;
    this.votes = 0;
    this.#claims = 0;
  }

  claimed(): void {
    this.#claims += 1;
  }

  heardOther(now: number): void {
    this.#othersAt = now;
  }

  onVote(epoch: number): void {
    if (epoch === this.epoch) this.votes = Math.min(255, this.votes + 1);
  }

  /** Voted for; or claimed often enough; or nobody was there of late who could vote. */
  mayLead(now: number): boolean {
    const { claimsMax, aloneMs } = this.tuning;
    return this.votes > 0 || this.#claims >= claimsMax || now - this.#othersAt > aloneMs;
  }

  /** Whether another's claim is the best heard in this election, which it then remains until a better one comes. */
  prefers(claim: Candidacy, now: number): boolean {
    const best = this.#best;
    if (best && now - best.at <= 2 * this.tuning.holdMs && beats(best.claim, claim)) return false;
    this.#best = { claim, at: now };
    return true;
  }

  /** The election is over. */
  settled(): void {
    this.#best = null;
  }
}
