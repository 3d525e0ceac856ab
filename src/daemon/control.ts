/** Local clients of pantsd: their requests become events of the core, its answers become lines. */
import type { Effect, Event, NotedRow } from "../core/events.js";
import { splitAddress } from "../io/address.js";
import type { LineClient, LineHandler } from "../io/control-server.js";
import type { ControlReply, HostRow, HostStatus } from "../wire/control.js";
import { parseRequest } from "./control-parse.js";

export interface ControlOptions {
  readonly step: (event: Event) => void;
  /** A guest job took or gave back a slot: look now. */
  readonly pollSlots: () => void;
  /** Reads the configuration again; why it was refused, or "". */
  readonly reload: () => string;
  readonly status: () => HostStatus;
  /** This host's address, for its own row. */
  readonly address: () => string;
}

type Answer = Extract<Effect, { kind: "grant" | "deny" | "lost" | "hosts" }>;

export class Control implements LineHandler {
  readonly #clients = new Map<number, LineClient>();

  constructor(private readonly options: ControlOptions) {}

  message = (client: LineClient, value: unknown): void => {
    this.#clients.set(client.id, client);
    const request = parseRequest(value);
    if ("problem" in request) {
      reply(client, { t: "error", id: request.id, message: request.problem });
      return;
    }
    const { step } = this.options;
    switch (request.t) {
      case "request": {
        const { id, count, compat, exclude, wanted } = request;
        step({ kind: "request", client: client.id, id, count, compat, exclude, wanted });
        return;
      }
      case "release":
        step({ kind: "release", client: client.id, leases: request.leases });
        return;
      case "outcome": {
        const { host, ok, why } = request;
        step({ kind: "outcome", client: client.id, host, ok, why });
        return;
      }
      case "slots":
        this.options.pollSlots();
        return;
      case "reload":
        reply(client, { t: "reloaded", id: request.id, problem: this.options.reload() });
        return;
      case "status":
        reply(client, { t: "status", id: request.id, status: this.options.status() });
        return;
      case "hosts":
        step({ kind: "hosts", client: client.id, id: request.id });
    }
  };

  malformed = (client: LineClient, why: string): void => {
    reply(client, { t: "error", id: 0, message: why });
  };

  gone = (client: LineClient): void => {
    if (this.#clients.delete(client.id)) this.options.step({ kind: "disconnect", client: client.id });
  };

  /** Hands an answer of the core to the client it is for. */
  answer(effect: Answer): void {
    const client = this.#clients.get(effect.client);
    if (!client) return;
    if (effect.kind === "grant") {
      const { id, lifeMs } = effect;
      reply(client, { t: "grant", id, leases: effect.leases.map((lease) => ({ ...lease, lifeMs })) });
    } else if (effect.kind === "deny") {
      reply(client, { t: "deny", id: effect.id, retryMs: effect.retryMs, why: effect.why });
    } else if (effect.kind === "lost") reply(client, { t: "lost", leases: [...effect.leases] });
    else {
      const hosts = effect.rows.map((row) => hostRow(row, this.options.address()));
      reply(client, { t: "hosts", id: effect.id, leader: effect.leader, hosts });
    }
  }
}

function reply(client: LineClient, message: ControlReply): void {
  client.send(message);
}

function hostRow(row: NotedRow, own: string): HostRow {
  const { host, compat, cpuPercent, ageMs, free, total, leftOut } = row;
  const address = row.address === "" ? own : splitAddress(row.address)[0];
  const state = leftOut !== "" ? "left out" : free > 0 ? "free" : "full";
  return {
    host,
    address,
    state,
    slotsFree: free,
    slotsTotal: total,
    cpuPercent,
    compat,
    ageMs,
    note: leftOut,
  };
}
