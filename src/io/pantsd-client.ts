/** A client of pantsd: JSON lines over its control socket, connected when there is something to say. */
import { connect, type Socket } from "node:net";
import type { ControlReply, ControlRequest } from "../wire/control.js";

const LINE_MAX = 1024 * 1024;
/** pantsd is not looked for again before, ms. */
const RETRY_MS = 500;

export interface PantsdEvents {
  reply(message: ControlReply): void;
  /** pantsd is not there (any more): leases and open requests are void. */
  gone(): void;
}

export class PantsdClient {
  private socket: Socket | undefined;
  private rest = "";
  private triedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly path: string,
    private readonly events: PantsdEvents,
  ) {}

  /** Sends now or once connected; false: pantsd was not there a moment ago. Absence found later is told by `gone`. */
  send(message: ControlRequest): boolean {
    if (this.socket === undefined && !this.dial()) return false;
    this.socket?.write(`${JSON.stringify(message)}\n`);
    return true;
  }

  close(): void {
    this.socket?.destroy();
    this.socket = undefined;
  }

  private dial(): boolean {
    const now = performance.now();
    if (now - this.triedAt < RETRY_MS) return false;
    this.triedAt = now;
    const socket = connect(this.path);
    this.socket = socket;
    this.rest = "";
    socket.unref();
    socket.setEncoding("utf8");
    socket.on("connect", () => (this.triedAt = Number.NEGATIVE_INFINITY));
    socket.on("data", (text: string) => this.receive(text));
    socket.on("error", () => undefined); // `close` follows
    socket.on("close", () => {
      if (this.socket !== socket) return;
      this.socket = undefined;
      this.events.gone();
    });
    return true;
  }

  private receive(text: string): void {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    if (this.rest.length > LINE_MAX) this.socket?.destroy();
    for (const line of lines) {
      if (line === "") continue;
      try {
        this.events.reply(JSON.parse(line) as ControlReply);
      } catch {
        this.socket?.destroy();
        return;
      }
    }
  }
}
