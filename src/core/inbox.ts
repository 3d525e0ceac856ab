/** Hands each message to the part that it concerns, or drops it: a busy host hears nothing but answers. */
import { epochMax } from "./candidacy.js";
import type { Election } from "./election.js";
import type { Ballots } from "./events.js";
import type { Home } from "./home.js";
import type { Leader, ToLeader } from "./leader.js";
import type { Member } from "./member.js";
import type { Address, Message, Sender } from "./messages.js";

export interface Parts {
  readonly self: Sender;
  readonly ballots: Ballots;
  readonly home: Home;
  readonly member: Member;
  readonly election: Election;
  /** There while this host leads. */
  readonly leader: () => Leader | null;
  /** Another machine has this host's name. */
  readonly onNamesake: (address: Address) => void;
}

export class Inbox {
  /** CLAIMs and ADVERTs with a ballot that is not their sender's. */
  ballotsRejected = 0;

  constructor(private readonly parts: Parts) {}

  receive(from: Sender, message: Message, now: number): void {
    switch (message.type) {
      case "grant":
        this.parts.home.onGrant(message, now);
        return;
      case "deny":
        this.parts.home.onDeny(message, now);
        return;
      case "leases":
        this.parts.home.onLeases(message, now);
        return;
      case "rows":
        this.parts.home.onRows(from, message, now);
        return;
      case "advert":
      case "claim":
      case "hold":
      case "vote":
      case "resign":
        if (this.parts.election.role !== "busy") this.#elect(from, message, now);
        return;
      case "namesake":
        if (message.host === this.parts.self.host && message.id !== this.parts.self.id)
          this.parts.onNamesake(message.address || from.address);
        return;
      default:
        this.#serve(from, message, now);
    }
  }

  #elect(
    from: Sender,
    message: Extract<Message, { type: "advert" | "claim" | "hold" | "vote" | "resign" }>,
    now: number,
  ): void {
    if (message.epoch > epochMax) return;
    switch (message.type) {
      case "advert":
        if (!this.#ballotValid(from, message)) return;
        this.parts.election.onAdvert(from, message, now);
        if (this.parts.election.leader?.heardAt === now) {
          this.parts.home.proven();
          this.parts.member.onRefresh(message.refreshMs, now);
        }
        return;
      case "claim":
        if (this.#ballotValid(from, message)) this.parts.election.onClaim(from, message, now);
        return;
      case "hold":
        this.parts.election.onHold(message, now);
        return;
      case "vote":
        this.parts.election.onVote(message, now);
        return;
      case "resign":
        this.parts.election.onResign(from, message, now);
    }
  }

  /** Nobody chooses its ballot. The leader that is followed proved its own when it was first heard. */
  #ballotValid(from: Sender, { epoch, ballot }: { epoch: number; ballot: number }): boolean {
    const known = this.parts.election.leader;
    if (known?.from.id === from.id && known.advert.epoch === epoch && known.advert.ballot === ballot)
      return true;
    const valid = this.parts.ballots.valid(from.id, epoch, ballot);
    if (!valid) this.ballotsRejected += 1;
    return valid;
  }

  #serve(from: Sender, message: ToLeader, now: number): void {
    const { election } = this.parts;
    const known = this.parts.leader()?.receive(from, message, now) ?? false;
    if (known && message.type === "available" && message.epoch !== election.epoch)
      election.introduce(from, now);
  }
}
