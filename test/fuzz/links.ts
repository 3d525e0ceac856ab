/** What home and agent tell each other over a link: frames, specifications, how a job ended, the agent's first line. */

import { encodeFrame } from "../../src/mux/encode.js";
import { Environment } from "../../src/mux/environment.js";
import { LinkFault } from "../../src/mux/errors.js";
import { type FrameType, HEADER_SIZE, MORE, type Role, rules, Type, WINDOW } from "../../src/mux/frame.js";
import { Muxer } from "../../src/mux/muxer.js";
import { NOISE_MAX, PreambleFinder, preamble } from "../../src/mux/preamble.js";
import { decodeSpec, encodeSpec, type JobSpec } from "../../src/mux/spec.js";
import { decodeRefused, decodeStatus, encodeRefused, encodeStatus } from "../../src/mux/status.js";
import type { Chance } from "./random.js";
import { decoded, must, type Session, type Target } from "./target.js";

const framesPerLink = 200;

/** One link's life in frames: mostly such as may come, in an order that may not, cut anywhere. */
class Link implements Session {
  input: Buffer = Buffer.alloc(0);
  #muxer: Muxer | null = null;
  #frames = 0;

  constructor(private readonly chance: Chance) {}

  once(): void {
    const muxer = (this.#muxer ??= this.#fresh());
    this.#frames += 1;
    const bytes = this.#bytes();
    this.input = bytes;
    const cut = this.chance.once(4) ? this.chance.below(bytes.length + 1) : bytes.length;
    const faultless = decoded(LinkFault, () => {
      muxer.receive(bytes.subarray(0, cut));
      if (cut < bytes.length) muxer.receive(bytes.subarray(cut));
      return true;
    });
    muxer.take(WINDOW);
    must(muxer.streams.size <= 4096, "more streams than allowed");
    if (!faultless || this.#frames > framesPerLink) this.#muxer = null;
  }

  #fresh(): Muxer {
    this.#frames = 0;
    const role: Role = this.chance.once(2) ? "home" : "agent";
    const muxer = new Muxer(role, {
      link: () => undefined,
      opened: (stream, spec) => {
        decoded(LinkFault, () => decodeSpec(spec));
        stream.control(Type.REFUSE, encodeRefused({ reason: 1, text: "full" }));
        if (this.chance.once(3)) muxer.close(stream);
      },
      wake: () => undefined,
    });
    if (role === "home") for (let i = 0; i < 4; i++) this.#drive(muxer, muxer.open(Buffer.alloc(10)).id);
    return muxer;
  }

  /** Sends something, so that credit for it may come back. */
  #drive(muxer: Muxer, id: number): void {
    const stream = muxer.streams.get(id);
    stream?.data(0, Buffer.alloc(1000));
    if (stream) stream.onFrame = (frame) => stream.handedOn(frame.flags, frame.payload.length);
  }

  #bytes(): Buffer {
    const { chance } = this;
    const type = chance.pick([...rules.keys()]) as FrameType;
    const rule = rules.get(type);
    const length = rule ? Math.min(rule.max, rule.min + (chance.once(2) ? 0 : chance.below(300))) : 0;
    const stream = rule?.link ? 0 : 1 + chance.below(8);
    const flags = type === Type.OPEN ? (chance.once(20) ? MORE : 0) : chance.below((rule?.flags ?? 0) + 1);
    const frame = encodeFrame(type, flags, stream, chance.bytes(length));
    if (chance.once(10)) return chance.mutate(frame, 4096, 0, chance.once(2) ? HEADER_SIZE : frame.length);
    return chance.once(200) ? chance.bytes(chance.below(64)) : frame;
  }
}

const path = (text: string): Buffer => Buffer.from(text);

function someSpec(chance: Chance): JobSpec {
  const claim = { kind: 1, path: path("/home/u"), dev: 1n, ino: 2n, size: 3n, mtimeNs: 4n };
  const strings = (count: number) =>
    Array.from({ length: count }, () => Buffer.from("x".repeat(chance.below(9))));
  return {
    flags: chance.below(2),
    memoryMb: 512,
    waitMs: 100,
    umask: 0o22,
    nice: -3,
    ioPriority: chance.below(1 << 16),
    ignored: 5n,
    blocked: 6n,
    rlimits: Array.from({ length: chance.below(3) }, () => [1n, 2n] as const),
    files: [
      {
        use: 3,
        mode: 1,
        fds: [0],
        source: { path: path("/etc/passwd"), ino: 5n, size: 6n, mtimeNs: 7n, offset: 0n },
        terminal: undefined,
      },
      { use: 1, mode: 2, fds: chance.once(2) ? [1, 2] : [1], source: undefined, terminal: undefined },
      { use: 4, mode: 5, fds: [3], source: undefined, terminal: undefined },
      { use: 6, mode: 3, fds: [4], source: undefined, terminal: Buffer.alloc(44, 1) },
    ],
    compat: "x86_64-glibc",
    identity: "build:00:1",
    cwd: path("/home/u"),
    path: path("/usr/bin/gcc"),
    argv: strings(chance.below(5)),
    env: Environment.of(strings(chance.below(5))),
    claims: Array.from({ length: 1 + chance.below(3) }, () => claim),
  };
}

/** A specification is refused, or says after another round trip what it said. */
class Specification implements Session {
  input: Buffer = Buffer.alloc(0);
  constructor(private readonly chance: Chance) {}

  once(): void {
    const { chance } = this;
    const bytes = chance.once(20) ? chance.bytes(chance.below(300)) : encodeSpec(someSpec(chance));
    this.input = chance.mutate(bytes, 4096);
    const spec = decoded(LinkFault, () => decodeSpec(this.input));
    if (!spec) return;
    must(spec.path[0] === 0x2f && spec.cwd[0] === 0x2f, "a path that is not absolute");
    const again = encodeSpec(spec);
    must(encodeSpec(decodeSpec(again)).equals(again), "another round trip says something else");
  }
}

/** Short payloads: STATUS, REFUSE, and the first line. */
class Ending implements Session {
  input: Buffer = Buffer.alloc(0);
  constructor(private readonly chance: Chance) {}

  once(): void {
    const { chance } = this;
    const status = {
      status: 256,
      userUs: 1,
      systemUs: 2,
      maxRssKb: 3,
      inBlocks: 4,
      outBlocks: 5,
      consumed: 6,
    };
    const bytes = chance.once(2)
      ? encodeStatus(status)
      : encodeRefused({ reason: 1 + chance.below(8), text: "every slot is taken" });
    this.input = chance.mutate(bytes, 1024);
    const payload = this.input;
    decoded(LinkFault, () => decodeStatus(payload));
    decoded(LinkFault, () => decodeRefused(payload));
    if (chance.once(10)) this.#firstLine();
  }

  #firstLine(): void {
    const { chance } = this;
    const finder = new PreambleFinder("0123456789abcdef01234567");
    const noise = chance.bytes(chance.below(200));
    const line = chance.mutate(preamble("0123456789abcdef01234567"), 100);
    for (let sent = 0; sent < 3; sent++) {
      const rest = decoded(LinkFault, () => finder.push(chance.once(2) ? noise : line));
      if (rest) return;
    }
    must(finder.noise.length <= 200 && NOISE_MAX > 0, "noise without a bound");
  }
}

export const linkTargets: readonly Target[] = [
  { name: "frames of a link", share: 80, start: (chance) => new Link(chance) },
  { name: "job specifications", share: 40, start: (chance) => new Specification(chance) },
  { name: "endings, first lines", share: 20, start: (chance) => new Ending(chance) },
];
