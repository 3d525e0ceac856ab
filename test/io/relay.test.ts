/** What streams through a link on the addon's thread: order, room, who takes what back, and what a broken link leaves. */
import { createHash, randomBytes } from "node:crypto";
import { openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, type TestContext, test } from "vitest";
import { BytePipe } from "../../src/io/byte-pipe.js";
import { native } from "../../src/io/native.js";
import type { Lent } from "../../src/io/relay.js";
import { encodeFrame, u32 } from "../../src/mux/encode.js";
import { type Frame, MOVED_MAX, PAYLOAD_MAX, Type, WIDE_WINDOW } from "../../src/mux/frame.js";
import type { Stream } from "../../src/mux/stream.js";
import { scratch, until } from "./support.js";

type Way = readonly [out: number, into: number];

/** Two ends of a link, over pipes as ssh has them here, or over sockets as sshd has them. */
class Ends {
  readonly home: BytePipe;
  readonly agent: BytePipe;
  readonly opened: Stream[] = [];
  readonly lost: string[] = [];
  private readonly fds: number[] = [];

  constructor({ onTestFinished }: TestContext, over: "pipes" | "sockets") {
    const way = (): Way => (over === "pipes" ? native.pipe() : native.socketPair());
    const [there, back] = [way(), way()];
    const events = (name: string) => ({
      link: () => undefined,
      opened: (stream: Stream) => void this.opened.push(stream),
      lost: (why: string) => void this.lost.push(`${name}: ${why}`),
    });
    this.home = new BytePipe("home", back[0], there[1], events("home"));
    this.agent = new BytePipe("agent", there[0], back[1], events("agent"));
    for (const end of [this.home, this.agent]) end.start(Buffer.alloc(0));
    onTestFinished(() => {
      for (const end of [this.home, this.agent]) end.close();
      for (const fd of this.fds) native.close(fd);
    });
  }

  /** A job's stream at both ends. */
  async stream(): Promise<[home: Stream, agent: Stream]> {
    const count = this.opened.length;
    const home = this.home.mux.open(Buffer.from("a specification"));
    await until("it to be opened", () => this.opened.length > count);
    return [home, this.opened[count] as Stream];
  }

  pipe(): Way {
    const ends = native.pipe();
    this.fds.push(...ends);
    return ends;
  }

  close(fd: number): void {
    native.close(fd);
    this.fds.splice(this.fds.indexOf(fd), 1);
  }
}

/** Lends until it is taken; another event is needed for the next try, as a pump has them. */
async function lend(what: () => Lent | undefined): Promise<Lent> {
  let lent: Lent | undefined;
  await until("it to be lent", () => {
    lent ??= what();
    return lent !== undefined;
  });
  return lent as Lent;
}

const none = (): void => undefined;
const sum = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** Fills a pipe with bytes as fast as it takes them. */
function fill(into: number, bytes: Buffer, done: () => void = none): () => void {
  let at = 0;
  return () => {
    if (at === bytes.length) return;
    at += Math.max(0, native.writeOwn(into, [bytes.subarray(at)]));
    if (at === bytes.length) done();
  };
}

/** All that comes out of a pipe. */
class Reader {
  readonly pieces: Buffer[] = [];
  count = 0;
  private readonly into = Buffer.alloc(PAYLOAD_MAX);

  constructor(private readonly fd: number) {}

  take(most = PAYLOAD_MAX): void {
    const n = native.readOwn(this.fd, this.into.subarray(0, Math.min(most, PAYLOAD_MAX)));
    if (n <= 0) return;
    this.pieces.push(Buffer.from(this.into.subarray(0, n)));
    this.count += n;
  }

  get sum(): string {
    return sum(Buffer.concat(this.pieces));
  }
}

/** Receives a descriptor as Output does: past us when it may, else into a queue for the same pipe. */
class Receiver {
  lent: Lent | undefined;
  past = 0;
  private readonly queue: Buffer[] = [];

  constructor(
    private readonly end: BytePipe,
    private readonly stream: Stream,
    private readonly into: number,
  ) {
    stream.onFrame = ({ type, payload }: Frame) => {
      if (type === Type.DATA) this.push(payload);
    };
  }

  lend(): void {
    if (this.lent !== undefined) return;
    this.lent = this.end.sink(
      this.stream,
      1,
      this.into,
      this.queue,
      () => this.lend(),
      () => this.takeBack(),
    );
    if (this.lent !== undefined) this.queue.length = 0;
  }

  takeBack(): void {
    const rest = this.lent?.end();
    this.past += this.lent?.count ?? 0;
    this.lent = undefined;
    if (rest !== undefined && rest.length > 0) this.push(rest);
  }

  /** Writes what waits. */
  write(): void {
    for (let next = this.queue[0]; next !== undefined; next = this.queue[0]) {
      const n = native.writeOwn(this.into, [next]);
      if (n <= 0) return;
      this.stream.handedOn(1, n);
      if (n === next.length) this.queue.shift();
      else this.queue[0] = next.subarray(n);
    }
  }

  private push(bytes: Buffer): void {
    this.queue.push(Buffer.from(bytes));
    this.write();
    this.lend(); // in the middle of what came
  }
}

/** Sends what comes out of a pipe as OutputPump does: past us when it may. */
class Sender {
  lent: Lent | undefined;
  past = 0;

  constructor(
    private readonly end: BytePipe,
    private readonly stream: Stream,
    private readonly from: number,
  ) {}

  lend(): void {
    this.lent ??= this.end.source(this.stream, 1, this.from, -1, none);
  }

  takeBack(): void {
    this.lent?.end();
    this.past += this.lent?.count ?? 0;
    this.lent = undefined;
  }

  send(): void {
    const bytes = Buffer.alloc(Math.min(this.stream.allowance(1), PAYLOAD_MAX));
    if (this.lent !== undefined || bytes.length === 0 || this.end.congested(none)) return;
    const n = native.readOwn(this.from, bytes);
    if (n > 0) this.stream.data(1, bytes.subarray(0, n));
  }
}

const SIZE = 6_000_000;

test.for([
  ["pipes", Number.POSITIVE_INFINITY],
  ["sockets", Number.POSITIVE_INFINITY],
  ["pipes", 30_000],
] as const)(
  "over %s, to readers of %d bytes at a time: all comes whole and in order, whoever carries it just then",
  async ([over, portion], context) => {
    const ends = new Ends(context, over);
    const { home, agent } = ends;
    const all = [1, 2, 3].map(() => randomBytes(SIZE));
    const jobs: { work: () => void; sender: Sender; receiver: Receiver; reader: Reader }[] = [];
    for (const bytes of all) {
      const [here, there] = await ends.stream();
      const [from, to] = [ends.pipe(), ends.pipe()];
      const more = fill(from[1], bytes);
      const sender = new Sender(agent, there, from[0]);
      const receiver = new Receiver(home, here, to[1]);
      const reader = new Reader(to[0]);
      const work = (): void => {
        more();
        sender.send();
        receiver.write();
        reader.take(portion);
      };
      jobs.push({ work, sender, receiver, reader });
    }
    let round = 0;
    await until("all to arrive", () => {
      // The third never streams; the others are lent and taken back again and again, in the middle of whatever it is.
      for (const [i, { work, sender, receiver }] of jobs.entries()) {
        work();
        if (i === 2) continue;
        if (round % 7 === i) sender.takeBack();
        else sender.lend();
        if (round % 11 === i) receiver.takeBack();
        else receiver.lend();
      }
      round++;
      return jobs.every(({ reader }) => reader.count >= SIZE);
    });
    expect(jobs.map(({ reader }) => reader.sum)).toEqual(all.map(sum));
    for (const [i, { sender, receiver }] of jobs.entries()) {
      sender.takeBack();
      receiver.takeBack();
      expect([sender.past > 0, receiver.past > 0]).toEqual([i < 2, true]);
    }
    expect(ends.lost).toEqual([]);
  },
);

/** A sink at home that gets `bytes` from a source at the agent. */
async function stream(
  ends: Ends,
  bytes: Buffer,
  off: () => void = none,
): Promise<{ more: () => void; from: Way; to: Way; sink: Lent; source: Lent; here: Stream; there: Stream }> {
  const [here, there] = await ends.stream();
  const [from, to] = [ends.pipe(), ends.pipe()];
  const more = fill(from[1], bytes);
  const sink = await lend(() => ends.home.sink(here, 1, to[1], [], none, off));
  const source = await lend(() => ends.agent.source(there, 1, from[0], -1, none));
  return { more, from, to, sink, source, here, there };
}

test("one whose reader stops holds up no other, and no more of it waits than its window", async (context) => {
  const ends = new Ends(context, "pipes");
  const [stopped, goes] = [randomBytes(3_000_000), randomBytes(3_000_000)];
  const first = await stream(ends, stopped);
  const second = await stream(ends, goes);
  const reader = new Reader(second.to[0]);
  await until("the second to arrive", () => {
    first.more();
    second.more();
    reader.take();
    return reader.count === goes.length;
  });
  expect(reader.sum).toBe(sum(goes));
  await until("the first to be held up", () => first.sink.waiting > 0);
  const [{ length: rest }, before] = [first.sink.end(), first.sink.count];
  expect(rest).toBeGreaterThan(0);
  expect(rest).toBeLessThanOrEqual(WIDE_WINDOW);
  const came = new Reader(first.to[0]);
  while (came.count < before) came.take();
  expect(came.sum).toBe(sum(stopped.subarray(0, before)));
  expect(first.sink.end().equals(stopped.subarray(before, before + rest))).toBe(true);
});

test("those that have always something to send share the link", async (context) => {
  const ends = new Ends(context, "sockets");
  const bytes = Buffer.alloc(20_000_000);
  const came = [0, 0];
  const mores: (() => void)[] = [];
  for (const i of [0, 1]) {
    const [here, there] = await ends.stream();
    here.onFrame = ({ payload }) => {
      came[i] = (came[i] ?? 0) + payload.length;
      here.handedOn(1, payload.length);
    };
    const from = ends.pipe();
    mores.push(fill(from[1], bytes));
    await lend(() => ends.agent.source(there, 1, from[0], -1, none));
  }
  await until("much to come", () => {
    for (const more of mores) more();
    return Math.max(...came) > 8_000_000;
  });
  expect(Math.min(...came)).toBeGreaterThan(4_000_000);
});

test("what came before the link was lost is delivered, or handed back", async (context) => {
  const ends = new Ends(context, "sockets");
  const bytes = randomBytes(500_000);
  let off = 0;
  const { more, to, sink, here } = await stream(ends, bytes, () => off++);
  here.widen(1, WIDE_WINDOW);
  await until("as much as fits to arrive", () => {
    more();
    return sink.count + sink.waiting >= 200_000;
  });
  ends.agent.close();
  await until("it to be lost", () => ends.lost.length > 0);
  const rest = sink.end();
  const came = new Reader(to[0]);
  while (came.count < sink.count) came.take();
  expect(sum(Buffer.concat([...came.pieces, rest]))).toBe(sum(bytes.subarray(0, sink.count + rest.length)));
  expect([off, ends.lost]).toEqual([1, ["home: the connection was closed"]]);
});

test("whose reader is gone is told so, and has back what nobody read", async (context) => {
  const ends = new Ends(context, "pipes");
  const bytes = randomBytes(200_000);
  let off = 0;
  const { more, to, sink } = await stream(ends, bytes, () => off++);
  ends.close(to[0]);
  more();
  await until("it to be told", () => off > 0);
  expect(sink.count).toBe(0);
  const rest = sink.end();
  expect(rest.equals(bytes.subarray(0, rest.length)) && rest.length > 0).toBe(true);
  expect(ends.lost).toEqual([]);
});

test("a source that ends says so after its last byte, and a file is read from where it is to be", async (context) => {
  const ends = new Ends(context, "pipes");
  const folder = scratch();
  const [path, copy] = [join(folder, "from"), join(folder, "to")];
  const bytes = randomBytes(3_000_001);
  writeFileSync(path, bytes);
  const [here, there] = await ends.stream();
  const [from, to] = [openSync(path, "r"), openSync(copy, "w")];
  let over = false;
  const sink = await lend(() => ends.agent.sink(there, 0, to, [], none, none));
  const source = await lend(() => ends.home.source(here, 0, from, 1, () => (over = true)));
  await until("the file to arrive", () => sink.count === 3_000_000);
  await until("its end", () => over);
  source.end();
  expect([source.count, native.seek(from, -1)]).toEqual([3_000_000, 0]);
  expect(readFileSync(copy).equals(bytes.subarray(1))).toBe(true);
  for (const fd of [from, to]) native.close(fd);
});

test("a file that was opened for appending is appended to, and one that may not grow is handed back", async (context) => {
  const ends = new Ends(context, "pipes");
  const path = join(scratch(), "log");
  writeFileSync(path, "before\n");
  const bytes = randomBytes(100_000);
  const [here, there] = await ends.stream();
  const [log, full, from] = [openSync(path, "a"), openSync("/dev/full", "w"), ends.pipe()];
  const sink = await lend(() => ends.home.sink(here, 1, log, [], none, none));
  await lend(() => ends.agent.source(there, 1, from[0], -1, none));
  const more = fill(from[1], bytes);
  await until("all to be appended", () => {
    more();
    return sink.count === bytes.length;
  });
  expect(readFileSync(path).equals(Buffer.concat([Buffer.from("before\n"), bytes]))).toBe(true);
  sink.end();
  let off = false;
  const second = await lend(() => ends.home.sink(here, 1, full, [], none, () => (off = true)));
  native.writeOwn(from[1], [bytes.subarray(0, 5000)]);
  await until("it to be told", () => off);
  expect(second.end().equals(bytes.subarray(0, 5000))).toBe(true);
  for (const fd of [log, full]) native.close(fd);
});

test("small frames that come meanwhile are handed over in order, and afterwards the link is ours again", async (context) => {
  const ends = new Ends(context, "pipes");
  const bytes = randomBytes(2_000_000);
  const { more, to, sink, source } = await stream(ends, bytes);
  const [here, there] = await ends.stream();
  const said: string[] = [];
  there.onFrame = ({ payload }) => void said.push(payload.toString());
  const reader = new Reader(to[0]);
  let i = 0;
  await until("all to arrive", () => {
    more();
    reader.take(50_000);
    if (i < 200) here.data(0, Buffer.from(`${i++} `));
    return reader.count === bytes.length && said.join("").endsWith("199 ");
  });
  expect(said.join("")).toBe(Array.from({ length: 200 }, (_, n) => `${n} `).join(""));
  expect(reader.sum).toBe(sum(bytes));
  for (const one of [sink, source]) one.end();
  for (const end of [ends.home, ends.agent]) end.beat();
  here.data(0, Buffer.from("after"));
  await until("what is sent then", () => said.at(-1) === "after");
  expect(ends.lost).toEqual([]);
});

test.each([
  ["credit that was never spent", (id: number) => encodeFrame(Type.CREDIT, 0, id, u32(0x7fffffff)), "home"],
  [
    "more data than was allowed",
    (id: number) =>
      Buffer.concat(Array.from({ length: 20 }, () => encodeFrame(Type.DATA, 1, id, Buffer.alloc(MOVED_MAX)))),
    "home",
  ],
])("%s ends the link", async (_, frames) => {
  const [[homeOut, theirIn], [theirOut, homeIn]] = [native.socketPair(), native.socketPair()];
  const lost: string[] = [];
  const home = new BytePipe("home", homeIn, homeOut, {
    link: none,
    opened: none,
    lost: (why) => void lost.push(why),
  });
  home.start(Buffer.alloc(0));
  const stream = home.mux.open(Buffer.from("a specification"));
  const [from, to] = [native.pipe(), native.pipe()];
  await lend(() => home.source(stream, 0, from[0], -1, none));
  await lend(() => home.sink(stream, 1, to[1], [], none, none));
  const more = fill(theirOut, frames(stream.id));
  await until("it to be lost", () => {
    more();
    return lost.length > 0;
  });
  expect(lost).toEqual(["broke the rules of credit"]);
  for (const fd of [theirIn, theirOut, ...from, ...to]) native.close(fd);
});
