/**
 * One host of the cluster as a state machine, in the manner of a raft library: `step` takes an event, `tick` lets
 * time pass, `ready` hands out what is to be done. It has no clock, no socket and no randomness of its own, so the
 * daemon and a simulator run the same code.
 */
import { Election } from "./election.js";
import type { Ballots, Destination, Effect, Event, LocalLoad, Random, Role } from "./events.js";
import { Home } from "./home.js";
import { Inbox } from "./inbox.js";
import { Leader } from "./leader.js";
import { Member } from "./member.js";
import type { Address, Message, Sender } from "./messages.js";
import { Refused } from "./namesake.js";
import { defaultTuning, type Tables, type Tuning } from "./tuning.js";

export interface NodeOptions {
  /** Name of this host, unique in the cluster. */
  readonly host: string;
  /** Of this machine, 64 bits in hex. */
  readonly id: string;
  /** Drawn anew at each start, 64 bits in hex. */
  readonly boot: string;
  /** What this host can run. */
  readonly compat: string;
  readonly random: Random;
  readonly ballots: Ballots;
  readonly tuning?: Tuning;
}

/** Where this host's own messages to the leader come from while it leads. */
const here: Address = "";

export class Node {
  readonly #self: Sender;
  readonly #tuning: Tuning;
  readonly #random: Random;
  readonly #refused: Refused;
  readonly #election: Election;
  readonly #member: Member;
  readonly #home: Home;
  readonly #inbox: Inbox;
  /** There while this host leads. */
  #leader: Leader | null = null;
  /** What the daemon said last; null before it did, and once it stopped. */
  #load: LocalLoad | null = null;
  #effects: Effect[] = [];
  /** Messages of this host to itself. */
  #local: Message[] = [];
  #now = 0;
  #groups = { free: false, leader: false };
  #told: { role: Role; leader: string; epoch: number } = { role: "busy", leader: "", epoch: 0 };
  /** Who is followed, by boot, to see a change. */
  #following = "";

  constructor(options: NodeOptions) {
    const { host, id, boot, compat, random, ballots, tuning = defaultTuning } = options;
    const send = this.#send.bind(this);
    this.#self = { host, id, boot, address: here };
    this.#tuning = tuning;
    this.#random = random;
    this.#refused = new Refused(tuning);
    this.#election = new Election({
      self: this.#self,
      tuning,
      random,
      ballots,
      send,
      advertise: (epoch, ballot, votes) => this.#lead().advert(epoch, ballot, votes, this.#now),
      reportedMs: (now) => this.#member.reportedMs(now),
      onNamesake: (leader) => this.#refuse(leader.address),
    });
    this.#member = new Member(compat, tuning, random, send, () => this.#epochFollowed());
    this.#home = new Home(host, tuning, random, send, (effect) => this.#effects.push(effect));
    this.#inbox = new Inbox({
      self: this.#self,
      ballots,
      home: this.#home,
      member: this.#member,
      election: this.#election,
      leader: () => this.#leader,
      onNamesake: (address) => this.#refuse(address),
    });
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

  /** Address of another machine that has this host's name, while that keeps this host out; else empty. */
  get namesake(): string {
    return this.#refused.by;
  }

  /** CLAIMs and ADVERTs with a ballot that is not their sender's. */
  get ballotsRejected(): number {
    return this.#inbox.ballotsRejected;
  }

  /** Size of every table, and its bound. */
  tables(): Tables {
    return { ...this.#home.tables(), ...this.#leader?.tables() };
  }

  /** When it is worth asking for another host, ms; 0 = now. */
  worthAskingAt(nowMs: number): number {
    const refusedMs = this.#refused.remainingMs(nowMs);
    return refusedMs > 0 ? nowMs + refusedMs : this.#home.worthAskingAt(nowMs);
  }

  /** When `tick` is due, ms; Infinity when nothing is. */
  wakeAt(): number {
    return Math.min(
      this.#election.wakeAt(),
      this.#member.wakeAt(),
      this.#home.wakeAt(),
      this.#refused.wakeAt(),
    );
  }

  tick(nowMs: number): void {
    this.#pass(nowMs);
    this.#leader?.tick(this.#now);
    if (this.#leader?.deaf(this.#now)) this.#election.abdicate(this.#now);
    this.#election.tick(this.#now);
    this.#settle();
    this.#member.tick(this.#now);
    this.#home.tick(this.#now);
    this.#settle();
  }

  step(event: Event, nowMs: number): void {
    this.#pass(nowMs);
    const now = this.#now;
    switch (event.kind) {
      case "datagram":
        // Not from this machine, whether now or before it started anew.
        if (event.from.id !== this.#self.id) this.#inbox.receive(event.from, event.message, now);
        break;
      case "load":
        this.#load = event.load;
        if (this.#refused.by === "") this.#onLoad(event.load);
        break;
      case "request":
        this.#request(event);
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
        this.#load = null;
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

  /** Time has passed, perhaps hours: this host may have slept, or been refused for long enough. */
  #pass(nowMs: number): void {
    this.#now = Math.max(this.#now, nowMs);
    this.#election.wakeUp(this.#now);
    if (this.#refused.end(this.#now) && this.#load) this.#onLoad(this.#load);
    this.#settle();
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
    this.#election.becomeBusy(this.#now);
  }

  #request({ client, id, count, compat, exclude, wanted }: Extract<Event, { kind: "request" }>): void {
    const retryMs = Math.ceil(this.#refused.remainingMs(this.#now));
    if (retryMs === 0) this.#home.request(client, id, { count, compat, exclude, wanted }, this.#now);
    else this.#effects.push({ kind: "deny", client, id, retryMs, why: this.#whyRefused() });
  }

  /** Another machine is called as this one: out of both groups, without a word to whoever leads. */
  #refuse(by: Address): void {
    if (!this.#refused.start(by, this.#now)) return;
    this.#member.forget();
    this.#election.leave(this.#now);
    this.#home.drop(this.#whyRefused());
  }

  #whyRefused(): string {
    return `another host is called ${this.#self.host}: ${this.#refused.by}`;
  }

  #epochFollowed(): number {
    return this.role === "leader" ? this.epoch : (this.#election.leader?.advert.epoch ?? 0);
  }

  /** The leader's tables, made when they are first needed. */
  #lead(): Leader {
    this.#leader ??= new Leader({
      self: this.#self,
      since: this.#now,
      hostsBefore: this.#election.hostsSeen,
      tuning: this.#tuning,
      random: this.#random,
      send: this.#send.bind(this),
    });
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
        this.#home.proven();
      }
    }
    for (let message = this.#local.shift(); message; message = this.#local.shift())
      this.#inbox.receive(this.#self, message, this.#now);
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
