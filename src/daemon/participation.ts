/**
 * This host's part in a cluster: opened at the start, and closed and opened anew when its name, its cluster or its
 * network changes while pantsd runs.
 */
import { type Config, ConfigError } from "../io/config.js";
import { hostName, isHostName } from "../io/config-network.js";
import { KeyWatch } from "../io/key-watch.js";
import type { Logger } from "../io/log.js";
import { Keyring, keyIdWords } from "../wire/keyring.js";
import { type Answer, Cluster } from "./cluster.js";

/** How soon a new name of the host is seen. */
const renamedMs = 3000;

export interface ParticipationOptions {
  readonly config: Config;
  readonly log: Logger;
  readonly onEffect: (effect: Answer) => void;
  readonly onStep: () => void;
  /** Opened anew: it knows nothing of this host's load. */
  readonly onOpen: () => void;
}

export class Participation {
  #config: Config;
  #keys: KeyWatch;
  #cluster: Cluster;
  /** What is being closed and opened, one after another. */
  #changing: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  /** A name that was complained of. */
  #badName = "";

  /** @throws {KeyError} @throws {ConfigError} */
  constructor(private readonly options: ParticipationOptions) {
    this.#config = options.config;
    this.#keys = new KeyWatch(this.#config.cluster.key_file);
    this.#cluster = this.#make(this.#config, this.#keys, checkedName(this.#config));
  }

  get cluster(): Cluster {
    return this.#cluster;
  }

  /** Name of the cluster. */
  get name(): string {
    return this.#config.cluster.name;
  }

  keyUse(): { id: string; hosts: number }[] {
    return this.#cluster.keysHeard().map(({ id, hosts }) => ({ id: keyIdWords(id), hosts }));
  }

  warnings(): string[] {
    const { problem } = this.#keys;
    return [...(problem ? [problem] : []), ...this.#cluster.warnings()];
  }

  async start(): Promise<void> {
    await this.#cluster.start();
    this.#watchKeys();
    this.#timer = setInterval(() => this.#checkName(), renamedMs).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#keys.stop();
    await this.#changing;
    await this.#cluster.stop();
  }

  /** Reads the key file again; a bad one changes nothing. */
  readKeys(): void {
    this.#keys.read();
  }

  /**
   * Takes other [cluster] and [network] settings; the same ones change nothing.
   * @throws {KeyError} @throws {ConfigError} and stays as it is.
   */
  change(config: Config): void {
    const { network, cluster } = this.#config;
    if (JSON.stringify([network, cluster]) === JSON.stringify([config.network, config.cluster])) return;
    const host = checkedName(config);
    const otherFile = config.cluster.key_file !== cluster.key_file;
    const keys = otherFile ? new KeyWatch(config.cluster.key_file) : this.#keys;
    if (otherFile) {
      this.#keys.stop();
      this.#keys = keys;
      this.#watchKeys();
    }
    this.#config = config;
    this.#reopen(host, "configuration changed");
  }

  #checkName(): void {
    const host = hostName(this.#config.network);
    if (host === this.#cluster.host) return;
    if (isHostName(host)) this.#reopen(host, `this host is now called ${host}`);
    else if (host !== this.#badName) this.options.log.warn(badName(host));
    this.#badName = host;
  }

  /** Clients speak to the new part from now on; it is heard when the old one has said goodbye and closed its sockets. */
  #reopen(host: string, why: string): void {
    const before = this.#cluster;
    const next = this.#make(this.#config, this.#keys, host);
    this.#cluster = next;
    this.options.log.info({ host, cluster: this.name }, `${why}: leaving the cluster and joining anew`);
    this.#changing = this.#changing
      .then(() => before.stop())
      .then(() => next.start())
      .then(() => this.options.onOpen());
  }

  #make(config: Config, keys: KeyWatch, host: string): Cluster {
    const { log, onEffect, onStep } = this.options;
    const keyring = new Keyring(keys.secrets);
    return new Cluster({
      host,
      name: config.cluster.name,
      keyring,
      network: config.network,
      log,
      onEffect,
      onStep,
    });
  }

  #watchKeys(): void {
    const { log } = this.options;
    this.#keys.start({
      onKeys: (secrets) => {
        const keyring = new Keyring(secrets);
        this.#cluster.useKeys(keyring);
        log.info({ keys: keyring.ids.map(keyIdWords) }, "keys read again; the first signs");
      },
      onProblem: (message) => log.error(message),
    });
  }
}

function checkedName(config: Config): string {
  const host = hostName(config.network);
  if (!isHostName(host)) throw new ConfigError(badName(host));
  return host;
}

function badName(host: string): string {
  return `this host's name, ${JSON.stringify(host)}, cannot be used in a cluster: set [network] name`;
}
