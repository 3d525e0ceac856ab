/** One host of a lab, as its user sees it. */
import type { ChildProcess, StdioOptions } from "node:child_process";
import { spawn } from "node:child_process";
import { existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { askPantsd } from "../io/control-client.js";
import { packageRoot, pantsdSocket } from "../io/paths.js";
import type { ControlReply } from "../wire/control.js";
import type { Result } from "./command.js";
import { ended, LabError } from "./command.js";
import type { Env, Place } from "./place.js";
import type { Process } from "./processes.js";
import { describe, type Resident, running } from "./processes.js";
import { asUser, type User, userEnv } from "./users.js";
import { until } from "./wait.js";

export interface RunOptions {
  /** Default: root, or whoever runs the lab. */
  readonly as?: User;
  /** Default: that user's home, else `/`. */
  readonly cwd?: string;
  /** Over the host's own variables; undefined removes one. */
  readonly env?: Env;
  /** Default: nothing to read, output collected in the result. */
  readonly stdio?: StdioOptions;
  /** SIGKILL to the program after so long. */
  readonly timeoutMs?: number;
}

/** A program that runs on a host. */
export interface Running {
  /** Streams; signals go through `kill`, since this may be the process that waits outside. */
  readonly child: ChildProcess;
  readonly done: Promise<Result>;
  /** Number of the program itself, as seen from outside. */
  pid(): Promise<number>;
  kill(signal?: NodeJS.Signals): Promise<void>;
}

export class Host {
  readonly name: string;
  readonly address: string;
  /** Logs, keys and configuration of this host. */
  readonly folder: string;
  readonly #place: Place;
  readonly #env: NodeJS.ProcessEnv;

  constructor(name: string, address: string, folder: string, place: Place, env: NodeJS.ProcessEnv) {
    this.name = name;
    this.address = address;
    this.folder = folder;
    this.#place = place;
    this.#env = env;
  }

  /** Runtime directory of the host's pantsd, as seen from here. */
  get runtime(): string {
    return this.#place.runtime;
  }

  /** A file of /proc/net as it is on this host; nothing runs there for it. */
  net(file: "igmp" | "snmp"): string {
    return readFileSync(join(this.#place.net, file), "latin1");
  }

  /** The interfaces on which it has joined a multicast group. */
  joinedOn(group: string): string[] {
    const hex = group
      .split(".")
      .reverse()
      .map((byte) => Number(byte).toString(16).padStart(2, "0"));
    const wanted = hex.join("").toUpperCase();
    const found: string[] = [];
    let device = "";
    for (const line of this.net("igmp").split("\n")) {
      device = /^\d+\s+(\S+)/.exec(line)?.[1] ?? device;
      if (line.includes(wanted)) found.push(device);
    }
    return found;
  }

  /** Starts a program. */
  start(argv: readonly string[], options: RunOptions = {}): Running {
    const began = performance.now();
    const { as, cwd = as?.home ?? "/" } = options;
    const all = as ? asUser(as, argv) : argv;
    const env = { ...(as && userEnv(as)), ...options.env };
    const [command = "", ...args] = this.#place.command(all, cwd, env);
    const stdio = options.stdio ?? ["ignore", "pipe", "pipe"];
    const child = spawn(command, args, { env: this.#env, stdio });
    const done = ended(child, began);
    done.catch(() => undefined);
    const pid = (): Promise<number> =>
      until(`${argv.join(" ")} on ${this.name} to start`, () => {
        const outer = child.pid;
        if (outer === undefined || child.exitCode !== null || child.signalCode !== null) {
          throw new LabError(`${argv.join(" ")} on ${this.name} has ended`);
        }
        return this.#place.program(outer);
      });
    const kill = async (signal: NodeJS.Signals = "SIGTERM"): Promise<void> => {
      process.kill(await pid(), signal);
    };
    return { child, done, pid, kill };
  }

  /** Runs a program to its end. */
  async run(argv: readonly string[], options: RunOptions = {}): Promise<Result> {
    const running = this.start(argv, options);
    if (options.timeoutMs === undefined) return running.done;
    const timer = setTimeout(() => {
      running.kill("SIGKILL").catch(() => undefined);
    }, options.timeoutMs);
    try {
      return await running.done;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Everything that runs here, zombies included. */
  processes(): Process[] {
    return this.#place
      .pids()
      .map(describe)
      .filter((one) => one !== undefined);
  }

  /** Numbers, seen from outside, of the processes that run a command of this package. */
  running(command: Resident): number[] {
    return running(this.processes(), command).map(({ pid }) => pid);
  }

  /** Number of this host's pantsd, as seen from outside; undefined when none runs. */
  get daemon(): number | undefined {
    return this.running("pantsd")[0];
  }

  /** Starts pantsd and waits until it has written its first state record. */
  async startDaemon(): Promise<void> {
    const log = openSync(join(this.folder, "pantsd.log"), "a");
    const before = this.#stateSequence();
    const pantsd = this.start([join(packageRoot, "bin", "pantsd"), "--foreground"], {
      stdio: ["ignore", log, log],
    });
    pantsd.child.unref();
    await until(`pantsd on ${this.name}`, () => {
      if (pantsd.child.exitCode !== null || pantsd.child.signalCode !== null) {
        throw new LabError(`pantsd on ${this.name} ended: ${this.log("pantsd.log").trim()}`);
      }
      const now = this.#stateSequence();
      return now !== "" && now !== before;
    });
  }

  /** Asks this host's pantsd. @throws {NoAnswer} */
  ask<T extends "status" | "hosts">(question: T): Promise<Extract<ControlReply, { t: T }>> {
    const asked = askPantsd(pantsdSocket(this.runtime), { t: question, id: 1 });
    return asked as Promise<Extract<ControlReply, { t: T }>>;
  }

  #stateSequence(): string {
    try {
      return readFileSync(join(this.runtime, "state")).subarray(8, 24).toString("hex");
    } catch {
      return ""; // Not there yet, or removed by a pantsd that starts.
    }
  }

  /** Text of a log: pantsd.log, sshd.log, host.log. */
  log(name: string): string {
    const file = join(this.folder, name);
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  }

  /** The power fails. */
  kill(): Promise<void> {
    return this.#place.kill();
  }

  /** Pulls the network cable. */
  cut(): void {
    this.#place.link(false);
  }

  /** Puts the network cable in again. */
  heal(): void {
    this.#place.link(true);
  }

  /** A cable that carries so much each way, Mbit/s. @throws {LabError} */
  speed(mbit: number): void {
    this.#place.speed(mbit);
  }

  /** CPU time used on this host since it came up, in seconds; NaN on loopback. */
  cpuSeconds(): number {
    return this.#place.cpuSeconds();
  }
}
