/** What other programs of this host may say: pantsd's clients, and stand-ins. */

import type { Event } from "../../src/core/events.js";
import { parseRequest } from "../../src/daemon/control-parse.js";
import { parseAfter } from "../../src/helper/progress.js";
import { decodeMsg, decodeRun, encodeMsg, encodeRun, MSG_HEADER, type Run } from "../../src/io/layout.js";
import { Environment } from "../../src/mux/environment.js";
import { datagramMax } from "../../src/wire/bytes.js";
import type { ControlRequest } from "../../src/wire/control.js";
import { Bed, type Host } from "./bed.js";
import type { Chance } from "./random.js";
import { must, type Session, type Target } from "./target.js";

const inputsPerBed = 20_000;
const clientsMax = 50;
const numbers = [0, 1, 12, 13, 255, 256, 1e9, -1, 0.5, 2 ** 53, 1e308];
const strings = [
  "",
  "lead",
  "-oProxyCommand=x",
  "x86_64-glibc",
  "a".repeat(63),
  "a".repeat(64),
  "\u0000",
  "ü",
  "__proto__",
];
const keys = ["t", "id", "count", "compat", "exclude", "leases", "host", "ok", "why", "__proto__", "x"];
const kinds = ["request", "release", "outcome", "slots", "status", "hosts", "nothing"];

/** Lines of pantsd's control socket, and what its core makes of those that pass. */
class ControlLines implements Session {
  input = "";
  #bed: Bed;
  #left = inputsPerBed;

  constructor(private readonly chance: Chance) {
    this.#bed = new Bed(chance.below(2 ** 31));
  }

  once(): void {
    if (this.#left-- === 0) {
      this.#left = inputsPerBed;
      this.#bed = new Bed(this.chance.below(2 ** 31));
    }
    const line = JSON.stringify(this.chance.once(4) ? this.#value(3) : this.#request());
    this.input = this.chance.once(3) ? this.chance.mutate(Buffer.from(line), 4096).toString("utf8") : line;
    let value: unknown;
    try {
      value = JSON.parse(this.input);
    } catch {
      return; // the server of lines says so
    }
    const request = parseRequest(value);
    if ("problem" in request) must(Number.isSafeInteger(request.id), "no id to answer to");
    else this.#step(this.chance.pick(this.#bed.hosts), request);
  }

  #step(host: Host, request: ControlRequest): void {
    const client = 1 + this.chance.below(clientsMax);
    const { nowMs, wallMs } = this.#bed;
    const event = eventOf(request, client);
    if (event) host.endpoint.step(event, nowMs, wallMs);
    if (this.chance.once(20)) host.endpoint.step({ kind: "disconnect", client }, nowMs, wallMs);
    for (const output of host.endpoint.ready()) {
      if (output.kind === "datagram") must(output.data.length <= datagramMax, "a datagram too long");
    }
    if (this.chance.once(50)) this.#bed.run(5);
  }

  #request(): object {
    const t = this.chance.pick(kinds);
    const id = this.chance.once(10) ? this.#value(1) : this.chance.below(1000);
    const hosts = Array.from({ length: this.chance.below(4) }, () =>
      this.chance.pick(["lead", "second", "x"]),
    );
    const leases = Array.from({ length: this.chance.below(4) }, () => this.chance.bytes(8).toString("hex"));
    const [host, why] = [this.chance.pick(strings), this.chance.pick(strings)];
    const whole = { t, id, count: this.chance.below(14), compat: "x86_64-glibc", exclude: hosts, leases };
    return { ...whole, host, ok: this.chance.once(2), why, ...(this.chance.once(3) ? this.#object(1) : {}) };
  }

  #object(depth: number): object {
    const pairs = Array.from({ length: this.chance.below(4) }, () => [
      this.chance.pick(keys),
      this.#value(depth),
    ]);
    return Object.fromEntries(pairs) as object;
  }

  #value(depth: number): unknown {
    switch (this.chance.below(depth > 0 ? 7 : 4)) {
      case 0:
        return this.chance.pick(numbers);
      case 1:
        return this.chance.pick(strings);
      case 2:
        return null;
      case 3:
        return this.chance.once(2);
      case 4:
        return Array.from({ length: this.chance.below(this.chance.once(50) ? 300 : 4) }, () =>
          this.#value(depth - 1),
        );
      default:
        return this.#object(depth - 1);
    }
  }
}

/** As pantsd's control socket does. */
function eventOf(request: ControlRequest, client: number): Event | null {
  switch (request.t) {
    case "request":
      return { ...request, kind: "request", client };
    case "release":
      return { ...request, kind: "release", client };
    case "outcome":
      return { ...request, kind: "outcome", client };
    case "hosts":
      return { ...request, kind: "hosts", client };
    default:
      return null;
  }
}

function someRun(chance: Chance): Run {
  const strings = (count: number) =>
    Array.from({ length: count }, () => Buffer.from("y".repeat(chance.below(9))));
  return {
    flags: chance.below(8),
    umask: 0o22,
    fds: [0, 1, 2, 3, 63].slice(chance.below(5)),
    nice: -1,
    ignored: 1n,
    blocked: 2n,
    rlimits: Array.from({ length: 16 }, () => [3n, 4n] as const),
    cwd: Buffer.from("/tmp"),
    path: Buffer.from("/usr/bin/cc"),
    host: Buffer.alloc(0),
    after: Buffer.from("beta 0123456789abcdef 10 20 30"),
    argv: strings(chance.below(6)),
    env: Environment.of(strings(chance.below(6))),
  };
}

/** A stand-in's messages are refused whole, or say exactly what stands in them. */
class StandInMessages implements Session {
  input: Buffer = Buffer.alloc(0);
  constructor(private readonly chance: Chance) {}

  once(): void {
    const { chance } = this;
    const whole = encodeMsg(1, chance.below(4), encodeRun(someRun(chance)));
    this.input = chance.once(20) ? chance.bytes(chance.below(400)) : chance.mutate(whole, 8192);
    const header = decodeMsg(this.input);
    const payload = this.input.subarray(MSG_HEADER);
    if (header) must(header.length <= 8 << 20, "a length beyond the limit");
    const run = decodeRun(payload);
    if (!run) return;
    must(encodeRun(run).equals(payload), "read something else than was written");
    const after = parseAfter(run.after.toString("latin1"));
    if (after) must(/^[0-9a-f]{1,64}$/.test(after.link), "a link id that is none");
  }
}

export const localTargets: readonly Target[] = [
  { name: "control lines", share: 40, start: (chance) => new ControlLines(chance) },
  { name: "stand-in messages", share: 40, start: (chance) => new StandInMessages(chance) },
];
