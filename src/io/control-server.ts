/** A server of JSON lines on a unix socket. What the lines mean is its owner's business. */
import { createServer, type Server, type Socket } from "node:net";
import { native } from "./native.js";

export interface LineClient {
  /** Counts up from 1; never used again. */
  readonly id: number;
  readonly send: (message: unknown) => void;
}

export interface LineHandler {
  /** One line, parsed. */
  readonly message: (client: LineClient, value: unknown) => void;
  /** A line that is no JSON or too long. */
  readonly malformed: (client: LineClient, why: string) => void;
  readonly gone: (client: LineClient) => void;
}

const lineCharsMax = 64 * 1024;
const backlogBytesMax = 1024 * 1024;
const connectionsMax = 1024;

/** Listens with the given mode. @throws when the socket cannot be made. */
export async function listenLines(path: string, mode: number, handler: LineHandler): Promise<Server> {
  const fd = native.listenUnix(path, mode);
  if (fd < 0) throw new Error(`${path}: cannot listen: errno ${-fd}`);
  let next = 1;
  const server = createServer((socket) => serve(socket, next++, handler));
  server.maxConnections = connectionsMax;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ fd }, resolve);
  });
  return server;
}

function serve(socket: Socket, id: number, handler: LineHandler): void {
  const client: LineClient = {
    id,
    send: (message) => {
      if (socket.writableLength > backlogBytesMax) socket.destroy();
      else socket.write(`${JSON.stringify(message)}\n`);
    },
  };
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > lineCharsMax || lines.some((line) => line.length > lineCharsMax)) {
      handler.malformed(client, `a line is longer than ${lineCharsMax} characters`);
      socket.destroySoon();
      rest = "";
      return;
    }
    for (const line of lines) if (line !== "") parse(line, client, handler);
  });
  socket.on("error", () => undefined); // `close` follows
  socket.on("close", () => handler.gone(client));
}

function parse(line: string, client: LineClient, handler: LineHandler): void {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    handler.malformed(client, "not JSON");
    return;
  }
  handler.message(client, value);
}
