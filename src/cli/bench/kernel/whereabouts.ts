/** Where a build's marked programs ran: the home host's record of decisions, read so often that none is overwritten. */
import { join } from "node:path";
import { WHY_CAPACITY } from "../../../io/layout.js";
import { native } from "../../../io/native.js";
import type { Host } from "../../../lab/host.js";
import { type Decision, reasonWords } from "../../commands/why.js";

const LOOK_MS = 1000;

export interface Whereabouts {
  /** Programs by host, home included. */
  readonly byHost: ReadonlyMap<string, number>;
  /** Those that ran at home, by reason. */
  readonly home: ReadonlyMap<string, number>;
}

export class DecisionWatch {
  readonly #seen = new Map<number, Decision>();
  readonly #timer: NodeJS.Timeout;
  readonly #host: Host;
  readonly #program: string;
  readonly #since: bigint;

  /** @param program - only programs whose path ends so */
  constructor(host: Host, program: string) {
    this.#host = host;
    this.#program = program;
    this.#since = native.bootTimeNs();
    native.tableOpen(join(host.runtime, "slots"), 0, 0);
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  #look(): void {
    for (const one of native.whyRead(WHY_CAPACITY))
      if (one.timeNs >= this.#since && one.program.endsWith(this.#program)) this.#seen.set(one.seq, one);
  }

  /** Programs seen so far. */
  get count(): number {
    return this.#seen.size;
  }

  /** Ends the watch. */
  stop(): Whereabouts {
    clearInterval(this.#timer);
    this.#look();
    native.tableClose();
    const byHost = new Map<string, number>();
    const home = new Map<string, number>();
    const count = (into: Map<string, number>, key: string): void => {
      into.set(key, (into.get(key) ?? 0) + 1);
    };
    for (const one of this.#seen.values()) {
      count(byHost, one.where === 1 ? one.host : this.#host.name);
      if (one.where !== 1) count(home, reasonWords(one).replace(/[\d.]+ s\b/, "some time"));
    }
    return { byHost, home };
  }
}
