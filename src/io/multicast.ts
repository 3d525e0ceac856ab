/**
 * Datagrams to and from the cluster: a socket for sending and for answers, and one per group while a member, bound
 * to the group's address so that nothing else arrives there. An interface that goes away is waited for, and one that
 * was made again is joined again.
 */
import type { RemoteInfo, Socket } from "node:dgram";
import type { Destination } from "../core/events.js";
import { addressText, familyOf, scopedTo, splitAddress } from "./address.js";
import { chooseInterface, type Interface } from "./interfaces.js";
import { paced } from "./pace.js";
import { groupOn, Membership, openUnicast, sendOver } from "./udp.js";

export type Group = "leader" | "free";

export interface MulticastOptions {
  /** Name or address of the interface; empty = the one of the default route. */
  readonly interface: string;
  /** Both of one family, which is that of all addresses. */
  readonly groups: Readonly<Record<Group, string>>;
  readonly port: number;
  readonly ttl: number;
  /** `from`: address and port; `over`: whether it came to a group's address or to this host's own. */
  readonly onDatagram: (data: Buffer, from: string, over: "group" | "unicast") => void;
  readonly onSendError: () => void;
  /** The network came or went; in words. */
  readonly onChange: (up: boolean, what: string) => void;
}

/** How often to look whether the interface is there, and whether it is still the same. */
const retryMs = 1000;
const recheckMs = 3000;
/**
 * How often, in looks at one that is there, a group is left and joined again. A switch that snoops forgets a member that does not
 * report; without a router that asks for reports nobody would, and the group would go silent after some minutes.
 */
const rejoinTimes = 20;

export class Multicast {
  /** What is used while the network is up. */
  using: Interface | null = null;
  /** Why it is not; empty while it is. */
  trouble = "";
  #port = 0;
  #unicast: Socket | null = null;
  #wanted: Record<Group, boolean> = { leader: false, free: false };
  readonly #members: Record<Group, Membership | null> = { leader: null, free: null };
  #timer: NodeJS.Timeout | undefined;
  #checks = 0;
  #closed = false;

  constructor(private readonly options: MulticastOptions) {}

  /** This host's address without a port; empty while the network is down. */
  get address(): string {
    return this.using?.address ?? "";
  }

  /** Where answers come to, with the port; empty while the network is down. */
  get origin(): string {
    return this.using ? addressText(this.using.address, this.#port) : "";
  }

  /** Opens the sockets, now and whenever the interface is there (again). Resolves after the first attempt. */
  async start(): Promise<void> {
    await this.#open();
  }

  /** Groups to be a member of. Leaving closes the group's socket: nothing is received from that moment on. */
  join(groups: Readonly<Record<Group, boolean>>): void {
    this.#wanted = { leader: groups.leader, free: groups.free };
    if (this.using) this.#joinWanted(this.using);
  }

  send(to: Destination, data: Buffer): void {
    const [socket, using] = [this.#unicast, this.using];
    if (!socket || !using) return;
    const [address, port] =
      "group" in to ? [this.options.groups[to.group], this.options.port] : splitAddress(to.address);
    const scoped = "group" in to ? groupOn(using, address) : scopedTo(address, using.name);
    socket.send(data, port, scoped, this.#sent);
  }

  /** Sends what has been handed over, then closes. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const socket = this.#unicast;
    if (socket)
      await new Promise<void>((resolve) =>
        socket.send(Buffer.alloc(0), this.#port, this.address, () => resolve()),
      );
    this.#closeSockets();
  }

  readonly #sent = (error: Error | null): void => {
    if (error) this.options.onSendError();
  };

  /** The next look: sooner while there is nothing to send over. */
  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#timer = setTimeout(() => this.#check(), this.#unicast ? paced(recheckMs) : retryMs).unref();
  }

  #check(): void {
    this.#checks += 1;
    const found = this.#choose();
    const { using } = this;
    if (this.#unicast && using && found?.address === using.address && found.name === using.name) {
      this.#arm();
      this.#refresh(this.#unicast, using);
      return;
    }
    if (this.#unicast) this.#lose(found ? `address changed to ${found.address}` : "interface is gone");
    void this.#open();
  }

  #choose(): Interface | null {
    return chooseInterface(this.options.interface, familyOf(this.options.groups.free));
  }

  async #open(): Promise<void> {
    const { interface: wanted, port, ttl, groups } = this.options;
    const using = this.#choose();
    if (using === null) {
      const name = wanted || "of the default route";
      this.#lose(`interface ${name}: no ${familyOf(groups.free)} address`);
      return;
    }
    try {
      const socket = await openUnicast(using, port, ttl);
      this.#listen(socket, "unicast");
      this.#unicast = socket;
      this.using = using;
      this.#port = socket.address().port;
      this.trouble = "";
      this.#arm();
      this.#joinWanted(using);
      this.options.onChange(true, this.origin);
    } catch (error) {
      this.#lose(`${using.address}: ${(error as Error).message}`);
    }
  }

  #joinWanted(using: Interface): void {
    for (const group of ["leader", "free"] as const) {
      const member = this.#members[group];
      if (this.#wanted[group] && !member) this.#join(group, using);
      else if (!this.#wanted[group] && member) {
        this.#members[group] = null;
        member.close();
      }
    }
  }

  #join(group: Group, using: Interface): void {
    const address = this.options.groups[group];
    const failed = (error: Error) => this.#lose(`cannot join ${address}: ${error.message}`);
    const member = new Membership(address, using, this.options.port, failed);
    this.#members[group] = member;
    this.#listen(member.socket, "group");
  }

  /**
   * An interface that was removed and made again with its address has another index: nothing is sent over it and no
   * group joined on it until that is said again. To say it when nothing has happened changes nothing.
   */
  #refresh(unicast: Socket, using: Interface): void {
    try {
      sendOver(unicast, using);
      for (const group of ["leader", "free"] as const) {
        const member = this.#members[group];
        if (member?.ensure())
          this.options.onChange(true, `${using.address}: joined the ${group} group again`);
        else if (this.#checks % rejoinTimes === 0) member?.rejoin();
      }
    } catch (error) {
      this.#lose(`${using.address}: ${(error as Error).message}`);
    }
  }

  #listen(socket: Socket, over: "group" | "unicast"): void {
    socket.on("message", (data: Buffer, from: RemoteInfo) => {
      if (from.port === this.#port && from.address === this.address) return; // our own, looped back
      this.options.onDatagram(data, addressText(from.address, from.port), over);
    });
    socket.on("error", (error) => this.#lose(error.message));
  }

  /** Closes everything; the next check tries again. Said once per reason. */
  #lose(why: string): void {
    this.#closeSockets();
    this.#arm();
    if (why !== this.trouble) this.options.onChange(false, why);
    this.trouble = why;
  }

  #closeSockets(): void {
    const { leader, free } = this.#members;
    const unicast = this.#unicast;
    this.#unicast = null;
    this.#members.leader = null;
    this.#members.free = null;
    this.using = null;
    unicast?.close();
    leader?.close();
    free?.close();
  }
}
