/** UDP sockets of the cluster: one of this host's own, and one per group that it is a member of. */
import { createSocket, type Socket, type SocketOptions } from "node:dgram";
import { type Family, familyOf } from "./address.js";
import type { Interface } from "./interfaces.js";

/** A leader's bursts wait here while it is busy with something else. */
const receiveBytes = 1024 * 1024;

/** A group as a destination, or to bind to: the scope matters to those of one link only. */
export function groupOn({ name }: Interface, group: string): string {
  return familyOf(group) === "IPv6" ? `${group}%${name}` : group;
}

/** How socket options name the interface. */
function option({ name, address }: Interface): string {
  return familyOf(address) === "IPv6" ? `::%${name}` : address;
}

/**
 * Sends, and receives answers: on the cluster's port if nobody on this machine has it (firewalls know it), else on any.
 */
export async function openUnicast(using: Interface, port: number, ttl: number): Promise<Socket> {
  const socket = await bound(using.address, port).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    return bound(using.address, 0);
  });
  try {
    sendOver(socket, using);
    socket.setMulticastTTL(ttl);
    socket.setMulticastLoopback(true);
    socket.setRecvBufferSize(receiveBytes);
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** Groups are sent to over this interface from now on. */
export function sendOver(socket: Socket, using: Interface): void {
  socket.setMulticastInterface(option(using));
}

/** A socket that receives what is sent to one group. */
export class Membership {
  readonly socket: Socket;
  #joined = false;
  #closed = false;

  constructor(
    private readonly group: string,
    private readonly using: Interface,
    port: number,
    onError: (error: Error) => void,
  ) {
    this.socket = createSocket({ type: kind(familyOf(group)), reuseAddr: true, lookup });
    this.socket.bind(port, groupOn(using, group), () => {
      if (this.#closed) return;
      try {
        this.socket.setRecvBufferSize(receiveBytes);
        this.#join();
        this.#joined = true;
      } catch (error) {
        onError(error as Error);
      }
    });
  }

  /** Sees to it that the interface that is there now has joined; true when it had not. */
  ensure(): boolean {
    return this.#joined && this.#join();
  }

  /** Leaves and joins, so that a fresh report goes out. */
  rejoin(): void {
    if (!this.#joined) return;
    this.socket.dropMembership(this.group, option(this.using));
    this.#join();
  }

  close(): void {
    this.#closed = true;
    this.socket.close();
  }

  #join(): boolean {
    try {
      this.socket.addMembership(this.group, option(this.using));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return false;
      throw error;
    }
  }
}

/** Only addresses are sent to: nothing to look up, which node would do for each datagram in a later turn. */
const lookup: NonNullable<SocketOptions["lookup"]> = (address, _options, done) => {
  done(null, address, familyOf(address) === "IPv4" ? 4 : 6);
};

function kind(family: Family): "udp4" | "udp6" {
  return family === "IPv4" ? "udp4" : "udp6";
}

function bound(address: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: kind(familyOf(address)), lookup });
    socket.once("error", reject);
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}
