/** One question to pantsd or prexd, and its answer, for commands that look. */
import { connect, type Socket } from "node:net";
import type { ControlReply, ControlRequest } from "../wire/control.js";

/** Nobody answers; `code` is the system's word (ENOENT, ECONNREFUSED, EACCES, ...) or ETIMEDOUT. */
export class NoAnswer extends Error {
  constructor(
    readonly path: string,
    readonly code: string,
  ) {
    super(`${path}: ${code}`);
  }
}

const WAIT_MS = 5000;
const REPLY_BYTES_MAX = 8 << 20;

/**
 * Sends `question` over a unix socket and collects what comes until `complete` finds a whole answer in it.
 * @param complete - given all bytes so far; undefined = not yet
 * @throws {NoAnswer}
 */
function ask<T>(path: string, question: Buffer, complete: (bytes: Buffer) => T | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(path);
    let bytes = Buffer.alloc(0);
    const end = (act: () => void): void => {
      clearTimeout(timer);
      socket.destroy();
      act();
    };
    const fail = (code: string): void => end(() => reject(new NoAnswer(path, code)));
    const timer = setTimeout(fail, WAIT_MS, "ETIMEDOUT");
    socket.on("error", (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    socket.on("close", () => fail("ECONNRESET"));
    socket.on("data", (data: Buffer) => {
      bytes = Buffer.concat([bytes, data]);
      try {
        const answer = complete(bytes);
        if (answer !== undefined) end(() => resolve(answer));
        else if (bytes.length > REPLY_BYTES_MAX) fail("EMSGSIZE");
      } catch (error) {
        end(() => reject(error instanceof Error ? error : new Error(String(error))));
      }
    });
    socket.write(question);
  });
}

/** Asks pantsd one question; other messages that come meanwhile are passed over. @throws {NoAnswer} */
export function askPantsd(
  path: string,
  request: Extract<ControlRequest, { id: number }>,
): Promise<ControlReply> {
  return ask(path, Buffer.from(`${JSON.stringify(request)}\n`), (bytes) => {
    const lines = bytes.toString("utf8").split("\n");
    for (const line of lines.slice(0, -1)) {
      const reply = JSON.parse(line) as ControlReply;
      if ("id" in reply && reply.id === request.id) return reply;
    }
    return undefined;
  });
}

const MSG_MAGIC = 0x58525050;
const MSG_VERSION = 1;
const MSG_QUERY = 3;
const MSG_JSON = 69;
const MSG_HEADER = 16;

/** Asks prexd what it is doing (PANTS_MSG_QUERY of native/include/pants.h). @throws {NoAnswer} */
export function askPrexd(path: string): Promise<unknown> {
  const query = Buffer.alloc(MSG_HEADER);
  query.writeUInt32LE(MSG_MAGIC, 0);
  query.writeUInt16LE(MSG_VERSION, 4);
  query.writeUInt16LE(MSG_QUERY, 6);
  return ask(path, query, (bytes) => {
    if (bytes.length < MSG_HEADER) return undefined;
    if (bytes.readUInt32LE(0) !== MSG_MAGIC || bytes.readUInt16LE(6) !== MSG_JSON)
      throw new Error(`${path}: not what prexd of this version answers`);
    const end = MSG_HEADER + bytes.readUInt32LE(8);
    return bytes.length < end ? undefined : (JSON.parse(bytes.toString("utf8", MSG_HEADER, end)) as unknown);
  });
}
