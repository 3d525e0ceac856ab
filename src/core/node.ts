/**
 * One host of the cluster as a state machine, in the manner of a raft library: `step` takes an event, `tick` lets
 * time pass, `ready` hands out what is to be done. It has no clock, no socket and no randomness of its own, so the
 * daemon and a simulator run the same code.
 */
import { Election } from "./election.js";
import type { Destination, Effect, Event, LocalLoad, Random, Role } from "./events.js";
import { Home } from "./home.js";
import { Leader } from "./leader.js";
import { Member } from "./member.js";
import type { Address, Message, Sender } from "./messages.js";
import { defaultTuning, type Tuning } from "./tuning.js";

export interface NodeOptions {
  /** Name of this host, unique in the cluster. */
  readonly host: string;
  /** Drawn anew at each start, 64 bits in hex. */
  readonly boot: string;
  /** What this host can run. */
  readonly compat: string;
  readonly random: Random;
  readonly tuning?: Tuning;
}

/** Where this host's own messages to the leader come from while it leads. */
const here: Address = "";

export class Node {
  readonly #self: Sender;
  readonly #tuning: Tuning;
  readonly #random: Random;
  readonly #election: Election;
  readonly #member: Member;
  readonly #home: Home;
  /** There while this host leads. */
  #leader: Leader | null = null;
  #effects: Effect[] = [];
  /** Messages of this host to itself. */
  #local: Message[] = [];
  #now = 0;
  #groups = { free: false, leader: false };
  #told: { role: Role; leader: string; epoch: number } = { role: "busy", leader: "", epoch: 0 };
  /** Who is followed, by boot, to see a change. */
  #following = "";

  constructor(options: NodeOptions) {
    const { host, boot, compat, random, tuning = defaultTuning } = options;
    const send = this.#send.bind(this);
    this.#self = { host, boot, address: here };
    this.#tuning = tuning;
    this.#random = random;
    const advertise = (epoch: number, ballot: number) => this.#lead().advert(epoch, ballot);
    this.#election = new Election(host, tuning, random, send, advertise);
    this.#member = new Member(compat, tuning, random, send, () => this.#epochFollowed());
    this.#home = new Home(host, tuning, random, send, (effect) => this.#effects.push(effect));
  }

  get role(): Role {
    return this.#election.role;
  }

  get epoch(): number {
    return this.#election.epoch;
  }

  /** Name of the leader as far as this host knows; empty if unknown. */
  get leader(): string {
    if (this.role === "leader") return this.#self.host;
    return this.#election.leader?.from.host ?? "";
  }

  /** Leases that clients of this host hold. */
  get leasesHeld(): number {
    return this.#home.leasesHeld;
  }

  /** Leases in the leader's table; 0 unless this host leads. */
  get leasesGranted(): number {
    return this.#leader?.leaseCount ?? 0;
  }

  /** When it is worth asking for another host, ms; 0 = now. */
  worthAskingAt(nowMs: number): number {
    return this.#home.worthAskingAt(nowMs);
  }

  /** When `tick` is due, ms; Infinity when nothing is. */
  wakeAt(): number {
    return Math.min(this.#election.wakeAt(), this.#member.wakeAt(), this.#home.wakeAt());
  }

  tick(nowMs: number): void {
    this.#now = Math.max(this.#now, nowMs);
    this.#leader?.tick(this.#now);
    this.#election.tick(this.#now);
    this.#settle();
    this.#member.tick(this.#now);
    this.#home.tick(this.#now);
    this.#settle();
  }

  step(event: Event, nowMs: number): void {
    this.#now = Math.max(this.#now, nowMs);
    const now = this.#now;
    switch (event.kind) {
      case "datagram":
        if (event.from.host !== this.#self.host) this.#receive(event.from, event.message);
        break;
      case "load":
        this.#onLoad(event.load);
        break;
      case "request":
        this.#home.request(event.client, event.id, event.count, event.compat, event.exclude, now);
        break;
      case "release":
        this.#home.release(event.client, event.leases);
        break;
      case "outcome":
        this.#home.outcome(event.client, event.host, event.ok, event.why, now);
        break;
      case "hosts":
        this.#home.hosts(event.client, event.id, now);
        break;
      case "disconnect":
        this.#home.disconnect(event.client);
        break;
      case "stop":
        this.#home.stop();
        this.#withdraw();
        break;
    }
    this.#settle();
  }

  /** What is to be done since the last call, in order. */
  ready(): Effect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  #onLoad(load: LocalLoad): void {
    if (load.busy) {
      this.#withdraw();
      return;
    }
    if (this.role === "busy") this.#election.becomeFree(this.#now);
    this.#member.update(load, this.#now);
    this.#member.tick(this.#now);
  }

  #withdraw(): void {
    this.#member.withdraw();
    this.#election.becomeBusy();
  }

  #receive(from: Sender, message: Message): void {
    const now = this.#now;
    switch (message.type) {
      case "grant":
        this.#home.onGrant(message, now);
        return;
      case "deny":
        this.#home.onDeny(message, now);
        return;
      case "leases":
        this.#home.onLeases(message, now);
        return;
      case "rows":
        this.#home.onRows(from, message, now);
        return;
      case "advert":
      case "claim":
      case "hold":
      case "resign":
        if (this.role !== "busy") this.#elect(from, message, now);
        return;
      default:
        if (this.#leader) this.#serve(this.#leader, from, message, now);
    }
  }

  #elect(
    from: Sender,
    message: Extract<Message, { type: "advert" | "claim" | "hold" | "resign" }>,
    now: number,
  ): void {
    switch (message.type) {
      case "advert":
        this.#election.onAdvert(from, message, now);
        if (this.#election.leader?.heardAt === now) {
          this.#home.proven(now);
          this.#member.onRefresh(message.refreshMs);
        }
        return;
      case "claim":
        this.#election.onClaim(from, message, now);
        return;
      case "hold":
        this.#election.onHold(message, now);
        return;
      case "resign":
        this.#election.onResign(from, message, now);
    }
  }

  #serve(leader: Leader, from: Sender, message: Message, now: number): void {
    if (message.type === "available") {
      leader.onAvailable(from, message, now);
      if (message.epoch !== this.epoch) this.#election.introduce(from);
    } else if (message.type === "unavailable") leader.onUnavailable(from);
    else if (message.type === "request") leader.onRequest(from, message, now);
    else if (message.type === "renew") leader.onRenew(from, message, now);
    else if (message.type === "release") leader.onRelease(from, message);
    else if (message.type === "query") leader.onQuery(from, message, now);
  }

  #epochFollowed(): number {
    return this.role === "leader" ? this.epoch : (this.#election.leader?.advert.epoch ?? 0);
  }

  /** The leader's tables, made when they are first needed. */
  #lead(): Leader {
    const { hostsSeen } = this.#election;
    this.#leader ??= new Leader(this.#now, hostsSeen, this.#tuning, this.#random, this.#send.bind(this));
    return this.#leader;
  }

  #send(to: Destination, message: Message): void {
    const own = "group" in to ? to.group === "leader" && this.role === "leader" : to.address === here;
    if (own) this.#local.push(message);
    else this.#effects.push({ kind: "send", to, message });
  }

  /** Brings what follows from a change of role about, and delivers this host's messages to itself. */
  #settle(): void {
    const { role, epoch } = this;
    if (role !== "leader") this.#leader = null;
    const following = role === "leader" ? this.#self.boot : (this.#election.leader?.from.boot ?? "");
    if (following !== this.#following) {
      this.#following = following;
      const spread = role === "leader" ? 0 : (this.#election.leader?.advert.spreadMs ?? 0);
      if (following) {
        this.#member.onNewLeader(spread, this.#now);
        this.#home.proven(this.#now);
      }
    }
    for (let message = this.#local.shift(); message; message = this.#local.shift())
      this.#receive(this.#self, message);
    const groups = { free: role !== "busy", leader: role === "leader" || role === "candidate" };
    if (groups.free !== this.#groups.free || groups.leader !== this.#groups.leader) {
      this.#groups = groups;
      this.#effects.push({ kind: "groups", ...groups });
    }
    const { leader } = this;
    if (role !== this.#told.role || leader !== this.#told.leader || epoch !== this.#told.epoch) {
      this.#told = { role, leader, epoch };
      this.#effects.push({ kind: "role", role, leader, epoch });
    }
  }
}
