/** pantsd: one event loop around the core, this host's load, the state record and the control socket. */
import { readFileSync } from "node:fs";
import type { Server } from "node:net";
import { nothingMeasured } from "../core/indices.js";
import { makePolicy } from "../core/policy/make.js";
import type { Policy } from "../core/policy/policy.js";
import { causeWords } from "../core/policy/words.js";
import { monotonicMs } from "../io/clock.js";
import { type Config, ConfigError, loadConfig, loadSettings } from "../io/config.js";
import { listenLines } from "../io/control-server.js";
import { usableCpus } from "../io/cpu.js";
import { FileWatch } from "../io/file-watch.js";
import { Sampler } from "../io/indices/sampler.js";
import { KeyError } from "../io/key.js";
import { indexOf } from "../io/layout.js";
import { loadFile } from "../io/load-record.js";
import type { Logger } from "../io/log.js";
import { native } from "../io/native.js";
import { spareCpuUntil } from "../io/pace.js";
import { learnedFile, packageRoot, pantsdSocket, slotsFile, stateDir, stateFile } from "../io/paths.js";
import { modes, sweepRuntimeDir } from "../io/runtime-dir.js";
import { StateFile } from "../io/state-file.js";
import type { HostStatus } from "../wire/control.js";
import type { Answer, Cluster } from "./cluster.js";
import { Control } from "./control.js";
import { Learned } from "./learned.js";
import { entryOf, LoadLog } from "./load-log.js";
import { type LoadSettings, LoadWatch } from "./load-watch.js";
import { Participation } from "./participation.js";
import { StateRecord } from "./state-record.js";

export interface PantsdOptions {
  readonly config: Config;
  readonly configFile: string;
  /** Runtime directory, claimed. */
  readonly runtime: string;
  readonly log: Logger;
}

export class Pantsd {
  readonly #sampler = new Sampler();
  /** What the slots and the policy in force are for. */
  #world = this.#sampler.world;
  #config: Config;
  readonly #load: LoadWatch;
  readonly #learned: Learned;
  readonly #log: LoadLog;
  readonly #participation: Participation;
  readonly #control: Control;
  readonly #stateFile: StateFile;
  readonly #state: StateRecord;
  readonly #version = packageVersion();
  readonly #configWatch: FileWatch;
  /** Why the configuration as it is in the file is not in force; empty when it is. */
  #configProblem = "";
  #server: Server | null = null;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(private readonly options: PantsdOptions) {
    const { config, configFile, runtime, log } = options;
    this.#config = config;
    this.#configWatch = new FileWatch(configFile);
    this.#participation = new Participation({
      config,
      log,
      onEffect: (effect) => this.#onEffect(effect),
      onStep: () => this.#afterStep(),
      onOpen: () => this.#pollSlots(),
    });
    const settings = watchSettings(config);
    const mapped = native.tableOpen(slotsFile(runtime), settings.slotsTotal, modes().table);
    if (mapped < 0) throw new Error(`${slotsFile(runtime)}: cannot be mapped: errno ${-mapped}`);
    setSlots(config);
    this.#learned = new Learned(learnedFile(), log);
    this.#log = new LoadLog(loadFile(stateDir()), log);
    const source = {
      sample: (slots: number, total: number, sparing: boolean) =>
        this.#sampler.sample(guestPids(), slots, total, sparing),
      cpuSoFar: () => this.#sampler.cpuSoFar(),
      slots: () => native.slotCounts(),
    };
    this.#load = new LoadWatch(source, this.#policy(config, this.#learned.read()), settings, monotonicMs());
    this.#stateFile = new StateFile(stateFile(runtime), (errno) =>
      log.error({ errno }, "state cannot be written"),
    );
    this.#state = new StateRecord(this.#stateFile);
    this.#control = new Control({
      step: (event) => {
        if (event.kind === "request") this.#load.attend();
        this.#cluster.step(event);
      },
      pollSlots: () => this.#pollSlots(),
      reload: () => this.readConfig(),
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
    this.#configWatch.start(() => this.readConfig());
    this.options.log.info({ slots: this.#load.settings.slotsTotal, pid: process.pid }, "started");
  }

  /** Tells the others, and removes what says that a pantsd is here. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#configWatch.stop();
    sweepRuntimeDir(this.options.runtime);
    this.#server?.close();
    await this.#participation.stop();
    this.#stateFile.close();
    this.#log.close();
    this.#learned.write(this.#load.policy.learned());
    this.options.log.info("stopped");
  }

  /** Reads the key file again; a bad one changes nothing. */
  readKeys(): void {
    this.#participation.readKeys();
  }

  /** Reads the configuration file again: why it is refused and the one before stays in force, or "". */
  readConfig(): string {
    this.#configWatch.taken();
    try {
      this.#reload(loadConfig(this.options.configFile));
      this.#configProblem = "";
    } catch (error) {
      if (!(error instanceof ConfigError || error instanceof KeyError)) throw error;
      this.#configProblem = `configuration refused, the old one stays in force: ${error.message}`;
      this.options.log.error(this.#configProblem);
    }
    return this.#configProblem;
  }

  /** @throws {KeyError} @throws {ConfigError} and keeps the old one. */
  #reload(config: Config): void {
    this.#participation.change(config);
    this.#config = config;
    this.#putInForce();
    this.options.log.info("configuration read again");
    this.#pollSlots();
  }

  /** Slots and policy as the configuration and what this host is say. */
  #putInForce(): void {
    this.#world = this.#sampler.world;
    this.#load.settings = watchSettings(this.#config);
    this.#load.usePolicy(this.#policy(this.#config, this.#load.policy.learned()));
    setSlots(this.#config);
  }

  status(): HostStatus {
    const { node, counters, host } = this.#cluster;
    const { busy, lends, cause } = this.#load.verdict(monotonicMs());
    const { policy, sample } = this.#load;
    return {
      host,
      version: this.#version,
      pid: process.pid,
      uptimeS: Math.round(process.uptime()),
      cluster: this.#participation.name,
      busy,
      lends,
      why: cause ? causeWords(cause) : "",
      cpuPercent: Math.round(sample?.cpu ?? 0),
      policy: policy.name,
      world: this.#sampler.world.words,
      indices: sample ?? nothingMeasured,
      thresholds: policy.thresholds(),
      slotsTaken: this.#load.taken,
      slotsTotal: this.#load.settings.slotsTotal,
      role: node.role,
      leader: node.leader,
      epoch: node.epoch,
      leasesHeld: node.leasesHeld,
      network: this.#cluster.networkWords(),
      keys: this.#participation.keyUse(),
      warnings: [...(this.#configProblem ? [this.#configProblem] : []), ...this.#participation.warnings()],
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
    if (this.#world !== this.#sampler.world) {
      this.#putInForce();
      this.options.log.info({ world: this.#world.words }, "limits changed");
    }
    if (news !== "same" && this.#load.sample) this.#tellLoad();
    this.#cluster.tick(now);
    if (news === "sampled") this.#sampled(now);
    this.#arm();
  }

  #sampled(now: number): void {
    if (this.#load.spent) spareCpuUntil(now + this.#load.intervalMs);
    this.#writeState(true);
    this.#learned.keep(this.#load.policy.learned(), now);
    const entry = entryOf(this.#load, this.#cluster.node.role, now);
    if (entry) this.#log.append(entry, now);
  }

  #policy(config: Config, learned: unknown): Policy {
    return makePolicy(loadSettings(config, this.#sampler.world.cpus), learned);
  }

  #pollSlots(): void {
    this.#load.poll(monotonicMs(), this.#leased());
    if (this.#load.sample) this.#tellLoad();
    this.#afterStep();
  }

  #tellLoad(): void {
    this.#cluster.step({ kind: "load", load: this.#load.local(monotonicMs()) });
  }

  #leased(): boolean {
    return this.#cluster.node.leasesHeld > 0 || this.#cluster.node.leasesGranted > 0;
  }

  #writeState(due: boolean): void {
    const now = monotonicMs();
    const { busy, cause } = this.#load.verdict(now);
    const worthAt = this.#cluster.node.worthAskingAt(now);
    const remote = worthAt <= now;
    const remoteAfterNs = remote ? 0n : native.bootTimeNs() + BigInt(Math.round((worthAt - now) * 1e6));
    // One literal, for it is made at every request.
    const content = {
      intervalMs: this.#load.intervalMs,
      busy,
      index: indexOf(busy && cause ? cause.what : null),
      remote,
      // Who said how many may run beside the slots meant it.
      sleeping: this.#config.slots.beside < 0 ? this.#load.sleeping : 0,
      slotsTotal: this.#load.settings.slotsTotal,
      remoteAfterNs,
      indexValue: 100 * (cause?.value ?? 0),
      indexThreshold: 100 * (cause?.threshold ?? 0),
      availableMb: Math.round(this.#load.sample?.availableMb ?? 0),
    };
    this.#state.update(content, due);
  }
}

function watchSettings(config: Config): LoadSettings {
  return { intervalMs: config.load.interval_ms, slotsTotal: config.slots.total || usableCpus() };
}

/** Puts slots in force, and how many programs may run beside them. */
function setSlots(config: Config): void {
  const { slotsTotal } = watchSettings(config);
  native.tableSetTotal(slotsTotal);
  native.tableSetBeside(config.slots.beside < 0 ? slotsTotal : config.slots.beside);
}

/** Programs that run here for other hosts: each leads a session. */
function guestPids(): number[] {
  return native.slotWords().flatMap(({ pid, guest, pending }) => (guest && !pending ? [pid] : []));
}

function packageVersion(): string {
  const text = readFileSync(`${packageRoot}/package.json`, "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
