/** pantsd: one event loop around the core, this host's load, the state record and the control socket. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Server } from "node:net";
import { monotonicMs } from "../io/clock.js";
import { hostCompat } from "../io/compat.js";
import type { Config } from "../io/config.js";
import { listenLines } from "../io/control-server.js";
import { CpuMeter, usableCpus } from "../io/cpu.js";
import { Index } from "../io/layout.js";
import type { Logger } from "../io/log.js";
import { machineIdText } from "../io/machine.js";
import { native } from "../io/native.js";
import { packageRoot, pantsdSocket, slotsFile, stateFile } from "../io/paths.js";
import { modes, sweepRuntimeDir } from "../io/runtime-dir.js";
import { StateFile } from "../io/state-file.js";
import type { HostStatus } from "../wire/control.js";
import { Codec, hash64 } from "../wire/datagram.js";
import { Keyring } from "../wire/keyring.js";
import { Cluster } from "./cluster.js";
import { Control } from "./control.js";
import { type LoadSettings, LoadWatch } from "./load-watch.js";
import { StateRecord } from "./state-record.js";

export interface PantsdOptions {
  readonly config: Config;
  /** Runtime directory, claimed. */
  readonly runtime: string;
  readonly secrets: readonly Buffer[];
  readonly log: Logger;
}

export class Pantsd {
  #config: Config;
  readonly #load: LoadWatch;
  readonly #cluster: Cluster;
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
    this.#config = config;
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
    this.#cluster = this.#makeCluster();
    this.#control = new Control({
      step: (event) => this.#cluster.step(event),
      pollSlots: () => this.#pollSlots(),
      status: () => this.status(),
      address: () => this.#cluster.address,
    });
  }

  async start(): Promise<void> {
    this.#writeState(true);
    await this.#cluster.start();
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
    await this.#cluster.stop();
    this.#stateFile.close();
    this.options.log.info("stopped");
  }

  /** Takes a new configuration: threshold, interval and slots at once. */
  reload(config: Config): void {
    const before = this.#config;
    this.#config = config;
    this.#load.settings = loadSettings(config);
    native.tableSetTotal(this.#load.settings.slotsTotal);
    const same =
      JSON.stringify([before.network, before.cluster]) === JSON.stringify([config.network, config.cluster]);
    if (!same) this.options.log.warn("new [network] or [cluster] settings need a restart");
    this.options.log.info("configuration read again");
    this.#pollSlots();
  }

  status(): HostStatus {
    const { node, counters } = this.#cluster;
    const { busy, predictedPercent } = this.#load.verdict();
    const threshold = this.#load.settings.thresholdPercent;
    return {
      host: this.#config.network.name,
      version: this.#version,
      pid: process.pid,
      uptimeS: Math.round(process.uptime()),
      cluster: this.#config.cluster.name,
      busy,
      why: busy ? `cpu: ${predictedPercent.toFixed(0)} % (threshold ${threshold} %)` : "",
      cpuPercent: Math.round(this.#load.cpuPercent ?? 0),
      slotsTaken: this.#load.taken,
      slotsTotal: this.#load.settings.slotsTotal,
      role: node.role,
      leader: node.leader,
      epoch: node.epoch,
      leasesHeld: node.leasesHeld,
      counters: { ...counters },
    };
  }

  #makeCluster(): Cluster {
    const { log, secrets } = this.options;
    const { cluster, network } = this.#config;
    const boot = randomBytes(8).toString("hex");
    const identity = {
      host: network.name,
      id: hash64(`pants host ${machineIdText()} ${network.name}`),
      boot,
    };
    return new Cluster({
      node: { host: network.name, boot, compat: hostCompat(), random: Math.random },
      codec: new Codec(cluster.name, identity, new Keyring(secrets)),
      network: {
        interface: network.interface,
        groups: { leader: network.leader_group, free: network.free_group },
        port: network.port,
        ttl: network.ttl,
        onChange: (up, what) => (up ? log.info(`network: ${what}`) : log.warn(`no network: ${what}`)),
      },
      onEffect: (effect) => {
        if (effect.kind === "role") {
          const { role, leader, epoch } = effect;
          log.info({ role, leader, epoch }, "role");
        } else this.#control.answer(effect);
      },
      onStep: () => this.#afterStep(),
    });
  }

  #afterStep(): void {
    if (this.#stopped) return;
    this.#writeState(false);
    this.#arm();
  }

  /** One timer for everything: the earliest of what is due. */
  #arm(): void {
    const due = Math.min(this.#load.wakeAt(), this.#cluster.node.wakeAt());
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
