/** One run: a cluster at work under the faults of its scenario, watched at every step, healed, and looked at again. */
import type { Tuning } from "../../../src/core/tuning.js";
import { defaultTuning } from "../../../src/core/tuning.js";
import { protocolVersion } from "../../../src/wire/datagram.js";
import { machineId, type WireConfig } from "../station.js";
import { World } from "../world.js";
import { Draw } from "./draw.js";
import { Executor } from "./executor.js";
import { checkHealed } from "./healed.js";
import { Ledger } from "./ledger.js";
import { Machine, type Site } from "./machine.js";
import type { Captured } from "./nemeses/attacks.js";
import { Network } from "./network.js";
import type { Scenario } from "./scenario.js";
import { Watcher } from "./watcher.js";

export interface SoakOptions {
  /** Lines are kept for a transcript. */
  readonly tracing?: boolean;
  readonly tuning?: Tuning;
  /** Another slot table than the right one. */
  readonly makeExecutor?: Site["makeExecutor"];
}

/** How often what no single step shows is looked for, ms. */
const sweepMs = 500;
/** Datagrams that an attacker remembers. */
const capturedMax = 400;

export class Soak {
  readonly world: World;
  readonly network: Network;
  readonly watcher: Watcher;
  readonly ledger: Ledger;
  /** By address. */
  readonly machines = new Map<string, Machine>();
  /** Keys in force, the one that signs first; those of hosts that have changed them. */
  keys: readonly Buffer[] = [Buffer.alloc(32, 1)];
  readonly keysOf = new Map<string, readonly Buffer[]>();
  rotating = false;
  /** Programs are started. */
  working = true;
  readonly #draw: Draw;
  readonly #wrongTime = new Set<string>();
  readonly #captured: Captured[] = [];
  #ends = new Set<() => void>();

  constructor(
    readonly scenario: Scenario,
    options: SoakOptions = {},
  ) {
    const { seed, hosts, slots, namesake, strangers } = scenario;
    this.#draw = new Draw(seed ^ 0xa5a5);
    const configure = (address: string) => this.#configure(address);
    const { tuning = defaultTuning, tracing = false } = options;
    const world = new World({ seed, hosts: [], wire: "bytes", tuning, configure });
    world.tracing = tracing;
    this.world = world;
    this.network = new Network(world);
    const strange = new Set(strangers.map(({ name }) => name));
    this.watcher = new Watcher(world, {
      onAnswer: (host, answer) => this.machines.get(host.address)?.answer(answer),
      onSend: (host, captured) => this.#capture(host.address, captured),
      relayed: scenario.seeds.length > 0,
      isSeed: (address) => scenario.seeds.includes(address),
      isStranger: (address) => strange.has(address),
    });
    this.ledger = new Ledger(() => world.now);
    const { ledger } = this;
    const site: Site = {
      world,
      ledger,
      intervalMs: scenario.intervalMs,
      makeExecutor:
        options.makeExecutor ??
        ((address, count, onChange) => new Executor(address, count, ledger, onChange)),
      named: (host) => this.machines.get(host),
      asked: (host, client, id) => this.watcher.requests.asked(host, client, id),
      gone: (host, client) => this.watcher.requests.gone(host, client),
    };
    for (const name of hosts) this.#switchOn(site, name, name, slots.get(name) ?? 1);
    if (namesake) this.#switchOn(site, namesake, `${namesake}'`, slots.get(namesake) ?? 1);
    for (const { name } of strangers) {
      world.add(name);
      world.load(name, false);
    }
    if (scenario.unreached.length > 0) {
      const cut = new Set(scenario.unreached);
      this.network.cuts.add((from, to, over) => over === "group" && (cut.has(from) || cut.has(to)));
    }
  }

  machine(address: string): Machine {
    const machine = this.machines.get(address);
    if (!machine) throw new Error(`no machine ${address}`);
    return machine;
  }

  /** Machines of this cluster that lead. */
  leaders(): Machine[] {
    return [...this.machines.values()].filter(({ host }) => host.alive && host.node.role === "leader");
  }

  /** The wall clock of a host is tampered with in this run. */
  timeIsWrong(address: string): void {
    this.#wrongTime.add(address);
  }

  keepsTime(address: string): boolean {
    return !this.#wrongTime.has(address);
  }

  /** Every wall clock was right all the time. */
  get timeWasRight(): boolean {
    return this.#wrongTime.size === 0;
  }

  /** Something that was on the wire. */
  captured(draw: Draw): Captured | undefined {
    return this.#captured.length > 0 ? draw.one(this.#captured) : undefined;
  }

  /** @throws Violation */
  run(): void {
    const { world, scenario } = this;
    for (const machine of this.machines.values()) this.#work(machine, this.#draw.fork());
    for (const fault of scenario.faults) {
      world.at(fault.at, () => {
        world.log("---", fault.what);
        const end = fault.begin(this);
        if (!end) return;
        this.#ends.add(end);
        world.at(fault.forMs, () => {
          if (!this.#ends.delete(end)) return;
          world.log("---", `no more: ${fault.what}`);
          end();
        });
      });
    }
    this.pass(scenario.chaosMs);
    for (const end of this.#ends) end();
    this.#ends.clear();
    world.log("---", "healed");
    checkHealed(this);
  }

  /** Lets time pass, and looks now and then. */
  pass(ms: number): void {
    for (let left = ms; left > 0; left -= sweepMs) {
      this.world.run(Math.min(left, sweepMs));
      this.watcher.sweep();
    }
  }

  /** Lets time pass until a condition holds; false when it did not within the limit. */
  passUntil(condition: () => boolean, limitMs: number, stepMs = 20): boolean {
    const end = this.world.now + limitMs;
    while (!condition()) {
      if (this.world.now >= end) return false;
      this.world.run(stepMs);
      this.watcher.sweep();
    }
    return true;
  }

  #switchOn(site: Site, name: string, address: string, slots: number): void {
    const host = this.world.add(name, machineId(address), address, slots);
    this.machines.set(address, new Machine(site, host));
  }

  #configure(address: string): WireConfig {
    const stranger = this.scenario.strangers.find(({ name }) => name === address);
    if (stranger?.how === "another version") return { version: protocolVersion + 1 };
    if (stranger?.how === "another cluster") return { cluster: "another" };
    if (stranger) return { keys: [Buffer.alloc(32, 99)] };
    const seeds = this.scenario.seeds.filter((seed) => seed !== address);
    return { keys: this.keysOf.get(address) ?? this.keys, seeds };
  }

  /** Programs are started in bursts, as make does. */
  #work(machine: Machine, draw: Draw): void {
    const { burstMs, burstMax, jobMs } = this.scenario;
    const burst = (): void => {
      if (!this.working) return;
      for (let left = draw.whole(1, burstMax); left > 0; left--)
        machine.exec(Math.min(3000, 5 + draw.wait(jobMs)));
      this.world.at(draw.wait(burstMs), burst);
    };
    this.world.at(draw.wait(burstMs), burst);
  }

  #capture(from: string, captured: Captured): void {
    if (this.scenario.strangers.some(({ name }) => name === from)) return;
    if (this.#captured.length < capturedMax) this.#captured.push(captured);
    // Old ones stay for a while, so that stale traffic comes again too.
    else this.#captured[this.#draw.whole(0, capturedMax - 1)] = captured;
  }
}
