/** Clients that ask a host's pantsd for a slot again and again, as prexd would, and what became of every request. */
import { connect, type Socket } from "node:net";
import { hostCompat } from "../../io/compat.js";
import { pantsdSocket } from "../../io/paths.js";
import type { Host } from "../../lab/host.js";
import type { ControlReply, ControlRequest } from "../../wire/control.js";

/** `alone`: pantsd went away with the request, so that the client runs its job at home. */
export type Outcome = "granted" | "denied" | "alone";

export interface Asked {
  readonly host: string;
  /** Milliseconds as performance.now() has them. */
  readonly askedAt: number;
  readonly answeredAt: number;
  readonly outcome: Outcome;
}

/** Asks for one slot every `everyMs`, gives it back at once, and connects again whenever pantsd is back. */
export class Asker {
  readonly answers: Asked[] = [];
  readonly #open = new Map<number, number>();
  readonly #timer: NodeJS.Timeout;
  readonly #compat = hostCompat();
  #socket: Socket | undefined;
  #rest = "";
  #next = 1;

  constructor(
    readonly host: Host,
    everyMs: number,
  ) {
    this.#timer = setInterval(() => this.#ask(), everyMs);
  }

  /** When the oldest request without an answer was asked; Infinity when there is none. */
  get waitingSince(): number {
    return Math.min(...this.#open.values());
  }

  /** Asks no more; what is under way may still be answered. */
  pause(): void {
    clearInterval(this.#timer);
  }

  stop(): void {
    this.pause();
    this.#socket?.destroy();
  }

  #ask(): void {
    const socket = this.#socket ?? this.#dial();
    if (socket.connecting) return;
    const id = this.#next++;
    this.#open.set(id, performance.now());
    this.#say(socket, { t: "request", id, count: 1, compat: this.#compat, exclude: [] });
  }

  #dial(): Socket {
    const socket = connect(pantsdSocket(this.host.runtime));
    this.#socket = socket;
    this.#rest = "";
    socket.setEncoding("utf8");
    socket.on("error", () => undefined); // `close` follows
    socket.on("data", (text: string) => {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop() ?? "";
      for (const line of lines) this.#take(socket, JSON.parse(line) as ControlReply);
    });
    socket.on("close", () => {
      this.#socket = undefined;
      for (const id of [...this.#open.keys()]) this.#note(id, "alone");
    });
    return socket;
  }

  #take(socket: Socket, reply: ControlReply): void {
    if (reply.t === "grant") {
      this.#note(reply.id, "granted");
      this.#say(socket, { t: "release", leases: reply.leases.map((lease) => lease.id) });
    } else if (reply.t === "deny") this.#note(reply.id, "denied");
  }

  #note(id: number, outcome: Outcome): void {
    const askedAt = this.#open.get(id);
    if (askedAt === undefined || !this.#open.delete(id)) return;
    this.answers.push({ host: this.host.name, askedAt, answeredAt: performance.now(), outcome });
  }

  #say(socket: Socket, request: ControlRequest): void {
    socket.write(`${JSON.stringify(request)}\n`);
  }
}
