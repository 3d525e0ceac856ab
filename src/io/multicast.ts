/**
 * Datagrams to and from the cluster: a socket for sending and for answers, and one per group while a member, bound
 * to the group's address so that nothing else arrives there. An interface that goes away is waited for, and one that
 * was made again is joined again.
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import type { Destination } from "../core/events.js";
import { interfaceAddress } from "./interfaces.js";

export type Group = "leader" | "free";

export interface MulticastOptions {
  /** Name or address of the interface; empty = the one of the default route. */
  readonly interface: string;
  readonly groups: Readonly<Record<Group, string>>;
  readonly port: number;
  readonly ttl: number;
  /** `from`: `address:port`. */
  readonly onDatagram: (data: Buffer, from: string) => void;
  readonly onSendError: () => void;
  /** The network came or went; in words. */
  readonly onChange: (up: boolean, what: string) => void;
}

/** How often to look whether the interface is there, and (less often) whether it is still the same. */
const retryMs = 1000;
const recheckTimes = 3;
const receiveBytes = 1024 * 1024;

export class Multicast {
  /** Own address while the network is up. */
  address = "";
  #port = 0;
  #unicast: Socket | null = null;
  #wanted: Record<Group, boolean> = { leader: false, free: false };
  readonly #members: Record<Group, Socket | null> = { leader: null, free: null };
  #timer: NodeJS.Timeout | undefined;
  #trouble = "";
  #checks = 0;

  constructor(private readonly options: MulticastOptions) {}

  /** Opens the sockets, now and whenever the interface is there (again). Resolves after the first attempt. */
  async start(): Promise<void> {
    await this.#open();
    this.#timer = setInterval(() => this.#check(), retryMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#closeSockets();
  }

  /** Groups to be a member of. Leaving closes the group's socket: nothing is received from that moment on. */
  join(groups: Readonly<Record<Group, boolean>>): void {
    this.#wanted = { leader: groups.leader, free: groups.free };
    if (this.#unicast) this.#joinWanted();
  }

  send(to: Destination, data: Buffer): void {
    const socket = this.#unicast;
    if (!socket) return;
    const [address, port] =
      "group" in to ? [this.options.groups[to.group], this.options.port] : split(to.address);
    socket.send(data, port, address, (error) => {
      if (error) this.options.onSendError();
    });
  }

  /** Sends what has been handed over, then closes; for a last word. */
  async finish(): Promise<void> {
    clearInterval(this.#timer);
    const socket = this.#unicast;
    if (socket)
      await new Promise<void>((resolve) =>
        socket.send(Buffer.alloc(0), this.#port, this.address, () => resolve()),
      );
    this.#closeSockets();
  }

  #check(): void {
    this.#checks += 1;
    if (this.#unicast && this.#checks % recheckTimes !== 0) return;
    const address = interfaceAddress(this.options.interface);
    if (this.#unicast && address === this.address) {
      this.#refresh(this.#unicast);
      return;
    }
    if (this.#unicast) this.#lose(address ? `address changed to ${address}` : "interface is gone");
    void this.#open();
  }

  async #open(): Promise<void> {
    const address = interfaceAddress(this.options.interface);
    const name = this.options.interface || "of the default route";
    if (address === null) {
      this.#lose(`interface ${name}: no IPv4 address`);
      return;
    }
    try {
      const socket = await this.#bindUnicast(address);
      socket.setMulticastInterface(address);
      socket.setMulticastTTL(this.options.ttl);
      socket.setMulticastLoopback(true);
      this.#listen(socket);
      this.#unicast = socket;
      this.address = address;
      this.#port = socket.address().port;
      this.#trouble = "";
      this.#joinWanted();
      this.options.onChange(true, `${address}:${this.#port}`);
    } catch (error) {
      this.#lose(`${address}: ${(error as Error).message}`);
    }
  }

  /** The cluster's port if nobody on this machine has it (firewalls know it), else any. */
  async #bindUnicast(address: string): Promise<Socket> {
    try {
      return await bound(address, this.options.port);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
      return bound(address, 0);
    }
  }

  #joinWanted(): void {
    for (const group of ["leader", "free"] as const) {
      const socket = this.#members[group];
      if (this.#wanted[group] && !socket) this.#join(group);
      else if (!this.#wanted[group] && socket) {
        this.#members[group] = null;
        socket.close();
      }
    }
  }

  #join(group: Group): void {
    const socket = createSocket({ type: "udp4", reuseAddr: true });
    this.#members[group] = socket;
    this.#listen(socket);
    const { address } = this;
    socket.bind(this.options.port, this.options.groups[group], () => {
      try {
        socket.addMembership(this.options.groups[group], address);
        socket.setRecvBufferSize(receiveBytes);
      } catch (error) {
        this.#lose(`cannot join ${this.options.groups[group]}: ${(error as Error).message}`);
      }
    });
  }

  /**
   * An interface that was removed and made again with its address has another index: nothing is sent over it and no
   * group joined on it until that is said again. To say it when nothing has happened changes nothing.
   */
  #refresh(unicast: Socket): void {
    try {
      unicast.setMulticastInterface(this.address);
      for (const group of ["leader", "free"] as const) {
        const socket = this.#members[group];
        if (socket && joins(socket, this.options.groups[group], this.address))
          this.options.onChange(true, `${this.address}: joined the ${group} group again`);
      }
    } catch (error) {
      this.#lose(`${this.address}: ${(error as Error).message}`);
    }
  }

  #listen(socket: Socket): void {
    socket.on("message", (data: Buffer, from: RemoteInfo) => {
      if (from.port === this.#port && from.address === this.address) return; // our own, looped back
      this.options.onDatagram(data, `${from.address}:${from.port}`);
    });
    socket.on("error", (error) => this.#lose(error.message));
  }

  /** Closes everything; the next check tries again. Said once per reason. */
  #lose(why: string): void {
    this.#closeSockets();
    if (why !== this.#trouble) this.options.onChange(false, why);
    this.#trouble = why;
  }

  #closeSockets(): void {
    const sockets = [this.#unicast, this.#members.leader, this.#members.free];
    this.#unicast = null;
    this.#members.leader = null;
    this.#members.free = null;
    this.address = "";
    for (const socket of sockets) socket?.close();
  }
}

/** Joins; false when it was a member already, of this group on the interface that has the address now. */
function joins(socket: Socket, group: string, address: string): boolean {
  try {
    socket.addMembership(group, address);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return false;
    throw error;
  }
}

function bound(address: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    socket.once("error", reject);
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

function split(address: string): [address: string, port: number] {
  const colon = address.lastIndexOf(":");
  return [address.slice(0, colon), Number(address.slice(colon + 1))];
}
