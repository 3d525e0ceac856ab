/** Two ends of a link over real sockets: order, room, and whose turn it is. */
import { createHash, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { BytePipe, type PipeEvents } from "../../src/io/byte-pipe.js";
import { native } from "../../src/io/native.js";
import { Room } from "../../src/io/room.js";
import { notSoon, soon } from "../../src/io/soon.js";
import { type Frame, PAYLOAD_MAX, Type } from "../../src/mux/frame.js";
import type { Stream } from "../../src/mux/stream.js";
import { until } from "./support.js";

interface Ends {
  readonly home: BytePipe;
  readonly agent: BytePipe;
  /** Streams that the agent was told of. */
  readonly opened: Stream[];
  readonly lost: string[];
}

function link(): Ends {
  const [[homeOut, agentIn], [agentOut, homeIn]] = [native.socketPair(), native.socketPair()];
  const opened: Stream[] = [];
  const lost: string[] = [];
  const events = (name: string): PipeEvents => ({
    link: () => undefined,
    opened: (stream) => opened.push(stream),
    lost: (why) => lost.push(`${name}: ${why}`),
  });
  const home = new BytePipe("home", homeIn, homeOut, events("home"));
  const agent = new BytePipe("agent", agentIn, agentOut, events("agent"));
  for (const end of [home, agent]) end.start(Buffer.alloc(0));
  return { home, agent, opened, lost };
}

/** Of all pumps, as in prexd and the agent. */
const scratch = Buffer.alloc(PAYLOAD_MAX);

/** Sends all of `bytes` as output of one stream, from a buffer that is used again at once. */
function pump(end: BytePipe, stream: Stream, bytes: Buffer): undefined {
  let at = 0;
  const more = (): void => {
    while (at < bytes.length) {
      const room = Math.min(stream.allowance(1), PAYLOAD_MAX, bytes.length - at);
      if (room === 0 || end.congested(more)) return;
      bytes.copy(scratch, 0, at, at + room);
      at += room;
      stream.data(1, scratch.subarray(0, room));
      scratch.fill(0);
    }
  };
  stream.onFrame = more; // credit
  more();
}

test("what several jobs write at once arrives whole and in order, though every buffer is used again", async () => {
  const { home, agent, opened, lost } = link();
  const sent = [1, 2, 3].map(() => randomBytes(3_000_000));
  const sums = sent.map(() => createHash("sha256"));
  const came = sent.map(() => 0);
  for (const [i, sum] of sums.entries()) {
    const stream = home.mux.open(Buffer.from("a specification"));
    stream.onFrame = ({ payload }: Frame) => {
      sum.update(payload);
      came[i] = (came[i] ?? 0) + payload.length;
      stream.handedOn(1, payload.length);
    };
  }
  await until("all to be opened", () => opened.length === sent.length);
  for (const [i, stream] of opened.entries()) pump(agent, stream, sent[i] ?? Buffer.alloc(0));
  await until("all to arrive", () => came.every((count) => count === 3_000_000));
  expect(sums.map((sum) => sum.digest("hex"))).toEqual(
    sent.map((bytes) => createHash("sha256").update(bytes).digest("hex")),
  );
  expect(lost).toEqual([]);
  home.close();
  await until("the other end to see it", () => lost.length > 0);
  expect(lost).toEqual(["agent: the connection was closed"]);
});

test("pipes are made larger until they hold 16 MiB together, and again when some have ended", () => {
  const pipes = Array.from({ length: 20 }, () => native.pipe());
  const rooms = pipes.map(([fd]) => {
    const room = new Room();
    room.widen(fd, 1 << 20);
    return room;
  });
  const held = (): number => pipes.filter(([fd]) => native.widen(fd, 1) === 1 << 20).length;
  expect(held()).toBe(16);
  for (const room of rooms.slice(0, 2)) room.end();
  for (const [i, room] of rooms.entries()) room.widen(pipes[i]?.[0] ?? -1, 1 << 20);
  expect(held()).toBe(16); // the first two again: they are that large
  for (const room of rooms) room.end();
  new Room().widen(pipes[19]?.[0] ?? -1, 1 << 20);
  expect(held()).toBe(17);
  for (const fd of pipes.flat()) native.close(fd);
});

test("control goes ahead of data that waits, and whoever waits longest is asked first", async () => {
  const [[homeOut, agentIn], [agentOut, homeIn]] = [native.socketPair(), native.socketPair()];
  const types: number[] = [];
  const events = { opened: () => undefined, lost: () => undefined };
  const home = new BytePipe("home", homeIn, homeOut, { ...events, link: () => undefined });
  const first = home.mux.open(Buffer.alloc(1));
  let payload = 0;
  while (!home.congested(() => payload++)) {
    first.data(0, Buffer.alloc(PAYLOAD_MAX));
    await Promise.resolve();
  }
  const asked: number[] = [];
  for (let i = 1; i <= 3; i++) home.congested(() => asked.push(i));
  home.mux.sendLink(Type.PING);
  const agent = new BytePipe("agent", agentIn, agentOut, {
    opened: (stream) => (stream.onFrame = ({ type }) => void types.push(type)),
    lost: () => undefined,
    link: ({ type }) => types.push(type),
  });
  agent.start(Buffer.alloc(0));
  await until("the ping", () => types.includes(Type.PING));
  await until("all to be asked", () => asked.length === 3);
  expect([payload, ...asked]).toEqual([1, 1, 2, 3]);
  for (const end of [home, agent]) end.close();
});

test("a moment later all that wait are called once, but those that were called off", async () => {
  const called: string[] = [];
  const never = (): void => void called.push("never");
  const off = (): void => void called.push("off");
  const each = ["a", "b"].map((name) => (): void => void called.push(name));
  soon(never);
  for (const act of [...each, ...each]) soon(act);
  soon(() => {
    called.push("c");
    notSoon(off);
  });
  soon(off);
  notSoon(never);
  await until("the last to be called", () => called.includes("c"));
  expect(called).toEqual(["a", "b", "c"]);
});
