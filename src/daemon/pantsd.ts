/** pantsd: one event loop around the core, this host's load, the state record and the control socket. */
import { readFileSync } from "node:fs";
import type { Server } from "node:net";
import { monotonicMs } from "../io/clock.js";
import type { Config } from "../io/config.js";
import { listenLines } from "../io/control-server.js";
import { CpuMeter, usableCpus } from "../io/cpu.js";
import { Index } from "../io/layout.js";
import type { Logger } from "../io/log.js";
import { native } from "../io/native.js";
import { packageRoot, pantsdSocket, slotsFile, stateFile } from "../io/paths.js";
import { modes, sweepRuntimeDir } from "../io/runtime-dir.js";
import { StateFile } from "../io/state-file.js";
import type { HostStatus } from "../wire/control.js";
import type { Answer, Cluster } from "./cluster.js";
import { Control } from "./control.js";
import { type LoadSettings, LoadWatch } from "./load-watch.js";
import { Participation } from "./participation.js";
import { StateRecord } from "./state-record.js";

export interface PantsdOptions {
  readonly config: Config;
  /** Runtime directory, claimed. */
  readonly runtime: string;
  readonly log: Logger;
}

export class Pantsd {
  readonly #load: LoadWatch;
  readonly #participation: Participation;
  readonly #control: Control;
  readonly #stateFile: StateFile;
  readonly #state: StateRecord;
  readonly #version = packageVersion();
  #server: Server | null = null;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(private readonly options: PantsdOptions) {
    const { config, runtime, log } = options;
    this.#participation = new Participation({
      config,
      log,
      onEffect: (effect) => this.#onEffect(effect),
      onStep: () => this.#afterStep(),
      onOpen: () => this.#pollSlots(),
    });
    const settings = loadSettings(config);
    const mapped = native.tableOpen(slotsFile(runtime), settings.slotsTotal, modes().table);
    if (mapped < 0) throw new Error(`${slotsFile(runtime)}: cannot be mapped: errno ${-mapped}`);
    native.tableSetTotal(settings.slotsTotal);
    const meter = new CpuMeter();
    const source = { cpuPercent: () => meter.percent(), slots: () => native.slotCounts() };
    this.#load = new LoadWatch(source, settings, monotonicMs());
    this.#stateFile = new StateFile(stateFile(runtime), (errno) =>
      log.error({ errno }, "state cannot be written"),
    );
    this.#state = new StateRecord(this.#stateFile);
    this.#control = new Control({
      step: (event) => this.#cluster.step(event),
      pollSlots: () => this.#pollSlots(),
      status: () => this.status(),
      address: () => this.#cluster.address,
    });
  }

  get #cluster(): Cluster {
    return this.#participation.cluster;
  }

  async start(): Promise<void> {
    this.#writeState(true);
    await this.#participation.start();
    this.#server = await listenLines(pantsdSocket(this.options.runtime), modes().socket, this.#control);
    this.#arm();
    this.options.log.info({ slots: this.#load.settings.slotsTotal, pid: process.pid }, "started");
  }

  /** Tells the others, and removes what says that a pantsd is here. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#timer);
    sweepRuntimeDir(this.options.runtime);
    this.#server?.close();
    await this.#participation.stop();
    this.#stateFile.close();
    this.options.log.info("stopped");
  }

  /** Reads the key file again; a bad one changes nothing. */
  readKeys(): void {
    this.#participation.readKeys();
  }

  /** Takes a new configuration at once. @throws {KeyError} @throws {ConfigError} and keeps the old one. */
  reload(config: Config): void {
    this.#participation.change(config);
    this.#load.settings = loadSettings(config);
    native.tableSetTotal(this.#load.settings.slotsTotal);
    this.options.log.info("configuration read again");
    this.#pollSlots();
  }

  status(): HostStatus {
    const { node, counters, host } = this.#cluster;
    const { busy, predictedPercent } = this.#load.verdict();
    const threshold = this.#load.settings.thresholdPercent;
    return {
      host,
      version: this.#version,
      pid: process.pid,
      uptimeS: Math.round(process.uptime()),
      cluster: this.#participation.name,
      busy,
      why: busy ? `cpu: ${predictedPercent.toFixed(0)} % (threshold ${threshold} %)` : "",
      cpuPercent: Math.round(this.#load.cpuPercent ?? 0),
      slotsTaken: this.#load.taken,
      slotsTotal: this.#load.settings.slotsTotal,
      role: node.role,
      leader: node.leader,
      epoch: node.epoch,
      leasesHeld: node.leasesHeld,
      network: this.#cluster.networkWords(),
      keys: this.#participation.keyUse(),
      warnings: this.#participation.warnings(),
      counters: { ...counters },
    };
  }

  #onEffect(effect: Answer): void {
    if (effect.kind === "role") {
      const { role, leader, epoch } = effect;
      this.options.log.info({ role, leader, epoch }, "role");
    } else this.#control.answer(effect);
  }

  #afterStep(): void {
    if (this.#stopped) return;
    this.#writeState(false);
    this.#arm();
  }

  /** One timer for everything: the earliest of what is due. */
  #arm(): void {
    const due = Math.min(this.#load.wakeAt(), this.#cluster.wakeAt());
    if (this.#timerAt <= due || this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timerAt = due;
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, due - monotonicMs()));
  }

  #tick(): void {
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = monotonicMs();
    const news = this.#load.tick(now, this.#leased());
    if (news !== "same" && this.#load.cpuPercent !== null) this.#tellLoad();
    this.#cluster.tick(now);
    if (news === "sampled") this.#writeState(true);
    this.#arm();
  }

  #pollSlots(): void {
    this.#load.poll(monotonicMs(), this.#leased());
    if (this.#load.cpuPercent !== null) this.#tellLoad();
    this.#afterStep();
  }

  #tellLoad(): void {
    this.#cluster.step({ kind: "load", load: this.#load.local() });
  }

  #leased(): boolean {
    return this.#cluster.node.leasesHeld > 0 || this.#cluster.node.leasesGranted > 0;
  }

  #writeState(due: boolean): void {
    const { busy, predictedPercent } = this.#load.verdict();
    const now = monotonicMs();
    const worthAt = this.#cluster.node.worthAskingAt(now);
    const remote = worthAt <= now;
    const remoteAfterNs = remote ? 0n : native.bootTimeNs() + BigInt(Math.round((worthAt - now) * 1e6));
    const { intervalMs, slotsTotal, thresholdPercent } = this.#load.settings;
    const index = busy ? Index.CPU : Index.NONE;
    const indexValue = Math.round(predictedPercent * 100);
    const indexThreshold = Math.round(thresholdPercent * 100);
    this.#state.update(
      { intervalMs, busy, index, remote, slotsTotal, remoteAfterNs, indexValue, indexThreshold },
      due,
    );
  }
}

function loadSettings(config: Config): LoadSettings {
  const slotsTotal = config.slots.total || usableCpus();
  return { intervalMs: config.load.interval_ms, thresholdPercent: config.load.cpu, slotsTotal };
}

function packageVersion(): string {
  const text = readFileSync(`${packageRoot}/package.json`, "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
