/** What must hold at every moment of a run, checked at every output and every datagram. */
import type { Role } from "../../../src/core/events.js";
import type { Node } from "../../../src/core/node.js";
import { typeNumbers } from "../../../src/wire/body.js";
import { copyOf } from "../../../src/wire/datagram.js";
import { timeWindowMs } from "../../../src/wire/dates.js";
import type { Datagram } from "../../../src/wire/envelope.js";
import type { Answer, SimHost, Transit } from "../host.js";
import type { Output } from "../station.js";
import type { World } from "../world.js";
import type { Captured } from "./nemeses/attacks.js";
import { Requests } from "./requests.js";
import { Violation } from "./violation.js";

/** What a busy host may ask, and so be answered. */
const questions: readonly Datagram["type"][] = ["request", "renew", "query"];
const questionNumbers = new Set<number | undefined>(questions.map((type) => typeNumbers[type]));
/** A seed may pass things on to a host that left its groups until that is known to it: its membership ends by then. */
const membershipMs = 10_000;

/** Where a datagram's type is. */
const typeAt = 5;

interface Seen {
  /** Start of pantsd that these are of. */
  readonly starts: number;
  epoch: number;
  /** Since when it is busy, true time; Infinity when it is not. */
  busySince: number;
  /** Datagrams taken. */
  readonly taken: WeakSet<object>;
}

/** What the watcher passes on, and what it must be told. */
export interface WatchedSite {
  /** What pantsd says to its clients. */
  readonly onAnswer: (host: SimHost, answer: Answer) => void;
  readonly onSend: (host: SimHost, captured: Captured) => void;
  /** Seeds pass datagrams on in this run. */
  readonly relayed: boolean;
  /** Hosts are configured with it as a seed. */
  readonly isSeed: (address: string) => boolean;
  /** It is on the network, but not of the cluster. */
  readonly isStranger: (address: string) => boolean;
}

export class Watcher {
  readonly requests: Requests;
  /** Datagrams that were rejected, and those that nobody with the key had sent. */
  counts = { rejected: 0, forged: 0, replayed: 0, answersToBusy: 0 };
  readonly #seen = new Map<SimHost, Seen>();
  /** What the sender of each datagram was, to judge those that were passed on. */
  readonly #roles = new Map<string, Role>();
  #outputs = 0;

  constructor(
    private readonly world: World,
    private readonly site: WatchedSite,
  ) {
    this.requests = new Requests(world);
    world.watch = (host, output, cause) => this.#output(host, output, cause);
    world.onReceive = (host, transit, receive) => this.#received(host, transit, receive);
    world.afterStep = (host) => this.#stepped(host);
  }

  /** To be called now and then: what no single step shows. */
  sweep(): void {
    this.requests.sweep();
    for (const host of this.world.hosts.values()) if (host.alive) checkTables(host);
  }

  #output(host: SimHost, output: Output, cause: Transit | null): void {
    this.#outputs += 1;
    if (output.kind === "send" && Buffer.isBuffer(output.payload)) {
      const { to, payload, message } = output;
      const sent = { host, role: host.node.role, message, wall: host.wall(this.world.now), cause };
      this.site.onSend(host, { data: payload, to, sent });
      if (this.site.relayed) this.#roles.set(copyOf(payload), host.node.role);
    }
    if (output.kind === "send" || output.kind === "groups" || output.kind === "role") return;
    if (output.kind === "grant" || output.kind === "deny") this.requests.answered(host, output);
    this.site.onAnswer(host, output);
  }

  #stepped(host: SimHost): void {
    const { role, epoch } = host.node;
    const seen = this.#of(host);
    if (epoch < seen.epoch)
      throw new Violation("the epoch of a host never falls", `${host.address}: ${seen.epoch}, then ${epoch}`);
    seen.epoch = epoch;
    if (role !== "busy") seen.busySince = Number.POSITIVE_INFINITY;
    else if (seen.busySince === Number.POSITIVE_INFINITY) seen.busySince = this.world.now;
    const { free, leader } = host.groups;
    if (leader && role !== "leader" && role !== "candidate")
      throw new Violation("only a leader or candidate is in the leader group", `${host.address} is ${role}`);
    if (free && role === "busy")
      throw new Violation("nothing unsolicited reaches a busy host", `${host.address} is in the free group`);
  }

  #received(host: SimHost, transit: Transit, receive: () => boolean): void {
    if (host.node.role === "busy") this.#toBusy(host, transit);
    const { node } = host;
    const seen = this.#of(host);
    const { role, epoch, leader, leasesHeld, leasesGranted, namesake } = node;
    const worthAt = node.worthAskingAt(host.monotonic(this.world.now));
    const wakeAt = node.wakeAt();
    const outputs = this.#outputs;
    const again = seen.taken.has(transit.payload);
    const taken = receive();
    if (taken && !again) {
      this.#taken(host, transit);
      seen.taken.add(transit.payload);
      return;
    }
    this.counts.rejected += 1;
    if (again) this.counts.replayed += 1;
    if (!transit.sent) this.counts.forged += 1;
    const same =
      outputs === this.#outputs &&
      role === node.role &&
      epoch === node.epoch &&
      leader === node.leader &&
      leasesHeld === node.leasesHeld &&
      leasesGranted === node.leasesGranted &&
      namesake === node.namesake &&
      wakeAt === node.wakeAt() &&
      worthAt === node.worthAskingAt(host.monotonic(this.world.now));
    if (!same)
      throw new Violation("rejected input changes only counters", `${host.address}, ${words(transit)}`);
  }

  /** Only what is authentic and of now may be taken. */
  #taken(host: SimHost, transit: Transit): void {
    const { sent } = transit;
    const stale = sent && Math.abs(sent.wall - host.wall(this.world.now)) > timeWindowMs + 1;
    const strange = sent && this.site.isStranger(sent.host.address) !== this.site.isStranger(host.address);
    if (sent && !stale && !strange) return;
    const what = !sent ? "a forged datagram" : stale ? "a stale datagram" : "a stranger's datagram";
    throw new Violation(
      "rejected input changes only counters",
      `${host.address} took ${what}: ${words(transit)}`,
    );
  }

  #toBusy(host: SimHost, transit: Transit): void {
    const { sent, injected } = transit;
    // What an attacker sends to it is not the protocol's doing.
    if (!sent || injected) return;
    const unsolicited = (why: string) =>
      new Violation("nothing unsolicited reaches a busy host", `${host.address}, ${why}: ${words(transit)}`);
    if (transit.over === "group") throw unsolicited("through a group");
    const { type } = sent.message;
    if (type === "joined" || this.site.isSeed(host.address)) return;
    if (type === "relayed") {
      if (this.world.now - this.#of(host).busySince > membershipMs) throw unsolicited("passed on");
      return;
    }
    if (!sent.cause) throw unsolicited("out of nothing");
    if (!this.#asked(sent.cause, host)) throw unsolicited(`in answer to ${words(sent.cause)}`);
    this.counts.answersToBusy += 1;
  }

  /** Whether a datagram was a question of that host's, or was said while it still took part. */
  #asked({ sent }: Transit, host: SimHost): boolean {
    if (!sent) return false;
    const { message, role } = sent;
    if (message.type !== "relay" && message.type !== "relayed")
      return sent.host === host && (role !== "busy" || questions.includes(message.type));
    const origin = message.type === "relayed" && message.origin ? message.origin : sent.host.address;
    const inner = Buffer.from(message.data);
    const fair = questionNumbers.has(inner[typeAt]) || this.#roles.get(copyOf(inner)) !== "busy";
    return origin === host.address && fair;
  }

  #of(host: SimHost): Seen {
    const known = this.#seen.get(host);
    if (known?.starts === host.starts) return known;
    const seen = { starts: host.starts, epoch: 0, busySince: this.world.now, taken: new WeakSet<object>() };
    this.#seen.set(host, seen);
    return seen;
  }
}

function words({ from, to, over, sent }: Transit): string {
  return `${sent ? sent.message.type : "forged"} from ${from} to ${to} over ${over}`;
}

function checkTables(host: SimHost): void {
  const tables: ReturnType<Node["tables"]> = host.node.tables();
  for (const [name, [size, max]] of Object.entries(tables))
    if (size > max)
      throw new Violation("every table is bounded", `${host.address}: ${size} ${name} of ${max}`);
}
