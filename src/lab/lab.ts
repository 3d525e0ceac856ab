/** A cluster on one machine, for tests, the demo and the benches. */
import { randomBytes } from "node:crypto";
import { openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../io/paths.js";
import { LabError } from "./command.js";
import type { Settings } from "./files.js";
import { makeFolder, merged, toml } from "./files.js";
import { Host } from "./host.js";
import { Loopback, loopbackAddress, SHARED, writeRsh } from "./loopback.js";
import { Namespaces, startSwitch, writeInit } from "./namespaces.js";
import { addressOf, Switch } from "./network.js";
import { MARK } from "./processes.js";
import { adminPath, missingRights } from "./rights.js";
import { sshdCommand, writeSsh } from "./ssh.js";
import { labFolder, startGuard, teardown } from "./teardown.js";
import { addUsers, type User } from "./users.js";

/** The same for all hosts, or by name. */
export type Each = number | Readonly<Record<string, number>>;

const of = (each: Each | undefined, host: string): number | undefined =>
  typeof each === "object" ? each[host] : each;

export interface LabOptions {
  /** How many (n1, n2, ...), or their names. */
  readonly hosts: number | readonly string[];
  /** CPUs that each host may use, or each by its name; undefined = all of this machine's. */
  readonly cpus?: Each;
  /** Memory of each, MiB; default: all that there is. */
  readonly memoryMb?: Each;
  /** Throughput of each one's disk, MiB/s of reading and of writing each; default: they share the machine's as it is. */
  readonly diskMbS?: Each;
  /** A /tmp of its own for each host. */
  readonly privateTmp?: boolean;
  /** Folders that a host sees empty, by host. */
  readonly privateDirs?: Readonly<Record<string, readonly string[]>>;
  /** Keys of pants.toml, for all hosts or by host. */
  readonly settings?: Settings | ((host: string) => Settings);
  /** Ordinary users by name, of every host; not on loopback. */
  readonly users?: readonly string[];
  /** Start pantsd on each host (default). */
  readonly daemons?: boolean;
  /** The switch delivers multicast only where it was asked for, and asks who wants it; else everywhere. */
  readonly snooping?: boolean;
  /** `loopback` also where namespaces could be had. */
  readonly isolation?: "loopback";
}

/** Variables of this process that would mislead the programs of a host: those of PANTS, of make and of ssh. */
const FOREIGN = /^(PANTS_|MAKE|MFLAGS$|LD_PRELOAD$|SSH_|XDG_RUNTIME_DIR$)/;

const most = (each: Each | undefined): number | undefined =>
  typeof each === "object" ? Math.max(...Object.values(each)) : each;

export class Lab {
  readonly id: string;
  readonly folder: string;
  /** Why hosts are not isolated from each other; empty when they are. */
  readonly notIsolated: string;
  readonly #options: LabOptions;
  readonly #hosts = new Map<string, Host>();
  #users: readonly User[] = [];
  #released: (() => void) | undefined;
  #down: Promise<void> | undefined;

  private constructor(options: LabOptions) {
    this.#options = options;
    this.id = randomBytes(4).toString("hex");
    this.folder = labFolder(this.id);
    const missing = options.isolation === "loopback" ? ["asked for"] : missingRights(most(options.cpus));
    this.notIsolated = missing.length === 0 ? "" : `hosts on loopback (${missing.join("; ")}): ${SHARED}`;
  }

  /** Brings a lab up; when a step fails, what was there so far is taken down. @throws {LabError} */
  static async up(options: LabOptions): Promise<Lab> {
    const lab = new Lab(options);
    try {
      await lab.#start();
      return lab;
    } catch (error) {
      await lab.down();
      throw error;
    }
  }

  /** In the order of their names in the options: the first is home. */
  get hosts(): readonly Host[] {
    return [...this.#hosts.values()];
  }

  /** @throws {LabError} when there is no host of that name. */
  host(name: string): Host {
    const host = this.#hosts.get(name);
    if (!host) throw new LabError(`no host ${name} in this lab: ${[...this.#hosts.keys()].join(", ")}`);
    return host;
  }

  /** @throws {LabError} when there is no user of that name. */
  user(name: string): User {
    const user = this.#users.find((one) => one.name === name);
    if (!user) throw new LabError(`no user ${name} in this lab`);
    return user;
  }

  /** Ends everything on all hosts and removes every trace. */
  down(): Promise<void> {
    this.#down ??= teardown(this.id, this.folder).then(() => this.#released?.());
    return this.#down;
  }

  async #start(): Promise<void> {
    const { hosts } = this.#options;
    const names = typeof hosts === "number" ? Array.from({ length: hosts }, (_, i) => `n${i + 1}`) : hosts;
    const isolated = this.notIsolated === "";
    const addresses = names.map((name, i) => ({
      name,
      address: (isolated ? addressOf : loopbackAddress)(i),
    }));
    makeFolder(this.folder, this.id, addresses);
    this.#released = startGuard(this.id, this.folder);
    for (const { name, address } of addresses) this.#configure(name, address);
    if (isolated) {
      writeSsh(this.folder, addresses);
      this.#users = addUsers(this.folder, this.#options.users ?? []);
      writeInit(this.folder);
      const log = openSync(join(this.folder, "switch.log"), "a");
      const net = await Switch.start(startSwitch(this.id, this.#env("switch"), log), this.#options.snooping);
      const started = addresses.map(({ name, address }) => this.#startHost(name, address, net));
      for (const host of await Promise.all(started)) this.#hosts.set(host.name, host);
    } else {
      writeRsh(this.folder, this.id);
      for (const { name, address } of addresses) {
        const place = new Loopback(this.id, this.folder, name);
        this.#hosts.set(name, new Host(name, address, join(this.folder, name), place, this.#env(name)));
      }
    }
    if (this.#options.daemons !== false) await Promise.all(this.hosts.map((host) => host.startDaemon()));
  }

  async #startHost(name: string, address: string, net: Switch): Promise<Host> {
    const { privateTmp, privateDirs } = this.#options;
    const { cpus, memoryMb, diskMbS } = this.#options;
    const limits = { cpus: of(cpus, name), memoryMb: of(memoryMb, name), diskMbS: of(diskMbS, name) };
    const dirs = [...(privateTmp ? ["/tmp"] : []), ...(privateDirs?.[name] ?? [])];
    const env = this.#env(name);
    const common = { id: this.id, folder: this.folder, name, address, limits, env };
    const place = await Namespaces.start({ ...common, privateDirs: dirs }, net);
    const host = new Host(name, address, join(this.folder, name), place, env);
    const login = Object.fromEntries(Object.entries(env).filter(([key]) => /^(PANTS_|PATH$)/.test(key)));
    const sshd = await host.run(sshdCommand(this.folder, name, login));
    if (sshd.status !== 0) throw new LabError(`sshd on ${name}: ${sshd.stderr}${host.log("sshd.log")}`);
    return host;
  }

  /** Environment of everything on a host. */
  #env(host: string): NodeJS.ProcessEnv {
    const own = Object.fromEntries(Object.entries(process.env).filter(([key]) => !FOREIGN.test(key)));
    const isolated = this.notIsolated === "";
    return {
      ...own,
      PATH: adminPath,
      PANTS_NODE: process.execPath,
      PANTS_CONFIG: join(this.folder, host, "pants.toml"),
      PANTS_RUNTIME_DIR: isolated ? "/run/pants" : join(this.folder, host, "run"),
      PANTS_RSH: isolated ? `ssh -F ${join(this.folder, "ssh_config")}` : join(this.folder, "rsh"),
      [MARK]: `${this.id}/${host}`,
    };
  }

  #configure(name: string, address: string): void {
    const { settings = {} } = this.#options;
    const isolated = this.notIsolated === "";
    const own: Settings = {
      cluster: { name: `lab-${this.id}`, key_file: join(this.folder, "key") },
      network: isolated
        ? { interface: "eth0", name }
        : { interface: address, name, port: 20_000 + (Number.parseInt(this.id, 16) % 20_000) },
      agent: { command: join(packageRoot, "bin", "prex-agent") },
      // They share one machine, so its load says nothing of one of them: only their slots do, or a quota of CPU.
      ...(isolated && of(this.#options.cpus, name) !== undefined ? {} : { load: { policy: "cpu" } }),
      ...(isolated
        ? {}
        : {
            load: { policy: "cpu", cpu: 100 },
            slots: { total: Math.max(1, Math.ceil(of(this.#options.cpus, name) ?? 1)) },
          }),
    };
    const given = typeof settings === "function" ? settings(name) : settings;
    writeFileSync(join(this.folder, name, "pants.toml"), toml(merged(own, given)));
  }
}
