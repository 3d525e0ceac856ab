/** Datagrams of a simulated cluster, counted. */
import type { Datagram } from "../../../src/wire/envelope.js";
import type { SimHost } from "../host.js";
import type { World } from "../world.js";

export type Type = Datagram["type"];

/** What a host gets because it asked. */
const answers: ReadonlySet<Type> = new Set<Type>(["grant", "deny", "leases", "rows"]);

export class Traffic {
  /** Sent by all hosts, a multicast counted once. */
  readonly sent = new Map<Type, number>();
  /** Received by hosts that were busy as it came, and no answer. */
  unsolicited = 0;
  readonly #before = new Map<SimHost, { received: number; sent: number }>();
  #since = 0;

  constructor(private readonly world: World) {
    const { watch } = world;
    world.watch = (host, output, cause) => {
      watch?.(host, output, cause);
      if (output.kind !== "send") return;
      const { type } = output.message;
      this.sent.set(type, (this.sent.get(type) ?? 0) + 1);
    };
    world.onReceive = (host, transit, receive) => {
      if (host.node.role === "busy" && !answers.has(transit.sent?.message.type ?? "join"))
        this.unsolicited += 1;
      receive();
    };
    this.restart();
  }

  /** Counts from now on. */
  restart(): void {
    this.sent.clear();
    this.unsolicited = 0;
    this.#since = this.world.now;
    for (const host of this.world.hosts.values())
      this.#before.set(host, { received: host.received, sent: host.sent });
  }

  sum(...types: readonly Type[]): number {
    return types.reduce((sum, type) => sum + (this.sent.get(type) ?? 0), 0);
  }

  /** Datagrams of a type sent in the whole cluster, per second. */
  rate(...types: readonly Type[]): number {
    return (this.sum(...types) * 1000) / (this.world.now - this.#since);
  }

  received(host: SimHost): number {
    return host.received - (this.#before.get(host)?.received ?? 0);
  }

  receivedRate(host: SimHost): number {
    return (this.received(host) * 1000) / (this.world.now - this.#since);
  }

  sentRate(host: SimHost): number {
    return ((host.sent - (this.#before.get(host)?.sent ?? 0)) * 1000) / (this.world.now - this.#since);
  }
}
