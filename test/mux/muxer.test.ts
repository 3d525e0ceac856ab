import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeFrame, u32 } from "../../src/mux/encode.js";
import { LinkFault } from "../../src/mux/errors.js";
import { type Frame, Type, WINDOW } from "../../src/mux/frame.js";
import { Muxer } from "../../src/mux/muxer.js";
import type { Stream } from "../../src/mux/stream.js";

/** Both ends of a link, with everything that each was told. */
function pair() {
  const opened: { stream: Stream; spec: Buffer }[] = [];
  const wakes = { home: 0, agent: 0 };
  const nothing = (): void => undefined;
  const home = new Muxer("home", { link: nothing, opened: nothing, wake: () => wakes.home++ });
  const agent = new Muxer("agent", {
    link: nothing,
    opened: (stream, spec) => opened.push({ stream, spec }),
    wake: () => wakes.agent++,
  });
  /** Moves bytes in portions until both are quiet. */
  const settle = (portion = 1 << 20): void => {
    for (let moved = true; moved; ) {
      moved = false;
      for (const [from, to] of [
        [home, agent],
        [agent, home],
      ] as const) {
        for (const piece of from.take(portion)) {
          moved = true;
          to.receive(Buffer.from(piece));
        }
      }
    }
  };
  const open = (): [Stream, Stream] => {
    const mine = home.open(Buffer.from("spec"));
    settle();
    const theirs = opened.at(-1)?.stream;
    if (theirs === undefined) throw new Error("not opened");
    return [mine, theirs];
  };
  return { home, agent, opened, wakes, settle, open };
}

const collect = (stream: Stream): Frame[] => {
  const frames: Frame[] = [];
  stream.onFrame = (frame) => frames.push(frame);
  return frames;
};

describe("a muxer", () => {
  it("carries a specification of any length", () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 1, 65_535, 65_536, 65_537, 131_072, 300_000), (length) => {
        const link = pair();
        const spec = Buffer.alloc(length, 0x5a);
        link.home.open(spec);
        link.settle();
        expect(link.opened[0]?.spec.equals(spec)).toBe(true);
      }),
    );
  });

  it("sends control ahead of data, but what ends a stream behind its data", () => {
    const link = pair();
    const [home, agent] = link.open();
    const seen = collect(home);
    agent.data(1, Buffer.from("output"));
    agent.inOrder(Type.STATUS, Buffer.alloc(52));
    agent.control(Type.STOPPED, u32(19));
    link.agent.close(agent);
    link.settle();
    expect(seen.map((f) => f.type)).toEqual([Type.STOPPED, Type.DATA, Type.STATUS, Type.CLOSE]);
  });

  it("carries no descriptor that was not named, in no direction but its own", () => {
    const link = pair();
    const [home, agent] = link.open();
    home.carry([0, 7], [7, 9]);
    agent.carry([0, 7], [7, 9]);
    const seen = collect(home);
    const fed = collect(agent);
    agent.data(9, Buffer.from("out"));
    agent.data(7, Buffer.from("both"));
    home.data(7, Buffer.from("ways"));
    link.settle();
    expect(seen.map(({ flags }) => flags)).toEqual([9, 7]);
    expect(fed.map(({ flags }) => flags)).toEqual([7]);
    for (const fd of [0, 1, 8]) {
      const other = pair();
      const [one, two] = other.open();
      one.carry([0], [9]);
      two.carry([0], [0, 1, 8, 9]);
      two.data(fd, Buffer.from("x"));
      expect(() => other.settle()).toThrow(LinkFault);
    }
  });

  it("serves streams in turn", () => {
    const link = pair();
    const [homeA, a] = link.open();
    const [homeB, b] = link.open();
    const order: string[] = [];
    homeA.onFrame = () => order.push("a");
    homeB.onFrame = () => order.push("b");
    for (let i = 0; i < 4; i++) a.data(1, Buffer.alloc(1000));
    for (let i = 0; i < 2; i++) b.data(1, Buffer.alloc(1000));
    link.settle(1);
    expect(order.join("")).toBe("ababaa");
  });

  it("wakes its owner once for everything that waits", () => {
    const link = pair();
    const [, agent] = link.open();
    const before = link.wakes.agent;
    for (let i = 0; i < 5; i++) agent.control(Type.STOPPED, u32(i));
    expect(link.wakes.agent).toBe(before + 1);
    link.settle();
    agent.control(Type.STOPPED, u32(9));
    expect(link.wakes.agent).toBe(before + 2);
  });

  it("sends what can wait with what comes next, in order", () => {
    const link = pair();
    const [home, agent] = link.open();
    const got = collect(home);
    const before = link.wakes.agent;
    agent.inOrderLater(Type.EOF, undefined, 1);
    expect(link.wakes.agent).toBe(before);
    agent.control(Type.STOPPED, u32(9));
    expect(link.wakes.agent).toBe(before + 1);
    link.settle();
    expect(got.map(({ type }) => type)).toEqual([Type.EOF, Type.STOPPED]);
    agent.data(1, Buffer.from("x"));
    agent.inOrderLater(Type.EOF, undefined, 1);
    link.settle();
    expect(got.slice(2).map(({ type }) => type)).toEqual([Type.DATA, Type.EOF]);
  });

  it("lets no more than a window be on its way, and all of it arrive", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 65_536 }), { maxLength: 40 }), (sizes) => {
        const link = pair();
        const [home, agent] = link.open();
        let held = 0;
        let got = 0;
        home.onFrame = (frame) => {
          held += frame.payload.length;
          expect(held).toBeLessThanOrEqual(WINDOW);
        };
        for (const size of sizes) {
          if (agent.allowance(1) < size) {
            link.settle();
            home.handedOn(1, held);
            got += held;
            held = 0;
            link.settle();
          }
          if (agent.allowance(1) >= size) agent.data(1, Buffer.alloc(size));
          else got += size; // the credit of less than a batch is still owed
        }
        link.settle();
        expect(got + held).toBe(sizes.reduce((sum, n) => sum + n, 0));
        expect(link.agent.backlog).toBe(0);
      }),
    );
  });

  it("ends the link when the other end sends beyond its credit, or gives credit that was not spent", () => {
    const link = pair();
    const [home] = link.open();
    const flood = encodeFrame(Type.DATA, 1, home.id, Buffer.alloc(65_536));
    for (let i = 0; i < 4; i++) link.home.receive(flood);
    expect(() => link.home.receive(flood)).toThrow(LinkFault);
    const other = pair();
    const [stream] = other.open();
    expect(() => other.home.receive(encodeFrame(Type.CREDIT, 0, stream.id, u32(1)))).toThrow(LinkFault);
  });

  it("passes over what still comes for a closed stream, but not for one that never was", () => {
    const link = pair();
    const [home, agent] = link.open();
    link.agent.close(agent);
    home.control(Type.KILL);
    link.settle();
    expect(link.agent.streams.size + link.home.streams.size).toBe(0);
    expect(() => link.agent.receive(encodeFrame(Type.KILL, 0, 99, Buffer.alloc(0)))).toThrow(LinkFault);
  });

  it("never throws anything but the typed error, whatever comes", () => {
    const frame = fc.record({
      type: fc.constantFrom(...Object.values(Type)),
      flags: fc.nat(3),
      stream: fc.nat(3),
      payload: fc.uint8Array({ maxLength: 60 }),
    });
    fc.assert(
      fc.property(fc.constantFrom("home" as const, "agent" as const), fc.array(frame), (role, frames) => {
        const nothing = (): void => undefined;
        const mux = new Muxer(role, { link: nothing, opened: nothing, wake: nothing });
        if (role === "home") mux.open(Buffer.from("x"));
        try {
          for (const f of frames) mux.receive(encodeFrame(f.type, f.flags, f.stream, f.payload));
        } catch (error) {
          expect(error).toBeInstanceOf(LinkFault);
        }
      }),
    );
  });
});
