/** What a simulated host's kernel would tell pantsd: the indices that follow from what its programs used. */
import type { Random } from "../../../src/core/events.js";
import { nothingMeasured, type Sample } from "../../../src/core/indices.js";
import type { Engine, Usage } from "./engine.js";

/** KiB that one request to the disk moves on average: two context switches and an interrupt each. */
const requestKib = 128;
const pageKib = 4;
/** Timer interrupts of a CPU that computes, and switches of one that several programs want, a second. */
const ticks = 250;

/** A second of a host at rest, each up to twice as much or not at all: what a system's own services do. */
const rest = { cpu: 1, io: 50, ctxt: 500, memory: 300, intr: 400, net: 5, netPackets: 20 };

/** What programs beside the jobs make of some indices, between two times. */
export type Beside = (from: number, to: number) => Partial<Sample>;

export class Meter {
  #before: Usage;
  #at: number;

  constructor(
    private readonly engine: Engine,
    private readonly random: Random,
    private readonly beside: Beside = () => ({}),
  ) {
    this.#before = { ...engine.usage };
    this.#at = engine.now;
  }

  /** Since the last call. */
  sample(): Sample {
    const { engine } = this;
    const seconds = (engine.now - this.#at) / 1000;
    if (seconds <= 0) return nothingMeasured;
    const before = this.#before;
    const perSecond = (name: keyof Usage): number => (engine.usage[name] - before[name]) / seconds;
    const { cpus, memoryMb, systemMb } = engine.host;
    const requests = (perSecond("diskMb") * 1024) / requestKib;
    const swapped = (perSecond("swapMb") * 1024) / pageKib;
    const usual = (name: keyof typeof rest): number => 2 * this.random() * rest[name];
    const waiting = (name: keyof Usage): number => perSecond(name) / 10;
    const cpusBusy = perSecond("cpuMs") / 1000;
    const sample: Sample = {
      cpu: Math.min(100, usual("cpu") + (100 * cpusBusy) / cpus),
      io: usual("io") + perSecond("diskMb") * 1024,
      ctxt: usual("ctxt") + 2 * requests + (ticks * cpus * perSecond("cpuWaitMs")) / 1000,
      memory: usual("memory") + perSecond("faults") + swapped,
      intr: usual("intr") + requests + ticks * cpusBusy,
      net: usual("net"),
      netPackets: usual("netPackets"),
      cpuPressure: waiting("cpuWaitMs"),
      ioPressure: waiting("diskWaitMs"),
      memoryPressure: waiting("memoryWaitMs"),
      diskBusy: waiting("diskWaitMs"),
      swapped,
      availableMb: Math.max(memoryMb / 50, memoryMb - systemMb - engine.residentMb),
      totalMb: memoryMb,
      runQueue: [...engine.running].filter(({ phase }) => phase === "cpu").length,
      guestsCpu: perSecond("guestsCpuMs") / 10 / cpus,
    };
    const beside = this.beside(this.#at, engine.now);
    this.#before = { ...engine.usage };
    this.#at = engine.now;
    return { ...sample, ...beside };
  }
}
