/** A host with its own mounts, name, processes and network. Nothing of it outlives its processes. */
import type { ChildProcess } from "node:child_process";
import { existsSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cgroupCpuSeconds, type Limits, makeCgroup } from "./cgroup.js";
import { background, LabError } from "./command.js";
import type { Switch } from "./network.js";
import type { Env, Place } from "./place.js";
import { enterArgs } from "./place.js";
import { children, killAll, pidNamespace, pidsInNamespace } from "./processes.js";
import { until } from "./wait.js";

/** Arguments: the files to join control groups by, `--`, a command. */
const JOIN = 'while [ "$1" != -- ]; do echo 0 >"$1" || exit 125; shift; done; shift; exec "$@"';

/**
 * The first process of a host. Arguments: name, the lab's folder, folders to be private. /run is always private; so
 * are the files that ssh and a login look into. Then it reaps whatever loses its parent; the host ends with it.
 */
const INIT = `set -e
name=$1 lab=$2; shift 2
echo "$name" >/proc/sys/kernel/hostname
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p -m 1777 /run/lock
mkdir -p /run/sshd /run/lab
[ ! -e /etc/hosts ] || mount --bind "$lab/hosts" /etc/hosts
[ ! -e /etc/passwd ] || mount --bind "$lab/passwd" /etc/passwd
[ ! -e /etc/shadow ] || mount --bind "$lab/shadow" /etc/shadow
mount --bind "$lab" /run/lab
for dir; do mount -t tmpfs -o mode=1777 tmpfs "$dir"; done
[ -e "$lab/lab.json" ] || { mkdir -p "$lab"; mount --bind /run/lab "$lab"; }
umount /run/lab
: >"$lab/$name/up"
while :; do sleep 2147483647 & wait $!; done`;

/** Puts the first process of every host where it can be started. */
export function writeInit(folder: string): void {
  writeFileSync(join(folder, "init"), INIT);
}

/** A command that joins the control groups first. */
const joining = (groups: readonly string[], argv: readonly string[]): string[] => [
  ...["sh", "-c", JOIN, "sh"],
  ...groups,
  "--",
  ...argv,
];

/** Starts the process that holds the network namespace of a lab's switch. */
export function startSwitch(id: string, env: NodeJS.ProcessEnv, log: number): ChildProcess {
  const groups = makeCgroup(id, "switch", {});
  return background(joining(groups, ["unshare", "-n", "sleep", "2147483647"]), env, log);
}

export interface NamespaceOptions {
  readonly id: string;
  readonly folder: string;
  readonly name: string;
  readonly address: string;
  readonly limits: Limits;
  readonly privateDirs: readonly string[];
  /** Environment of everything on this host. */
  readonly env: NodeJS.ProcessEnv;
}

export class Namespaces implements Place {
  readonly #options: NamespaceOptions;
  readonly #groups: readonly string[];
  readonly #switch: Switch;
  readonly #init: number;
  readonly #namespace: string;
  readonly runtime: string;
  readonly net: string;

  private constructor(options: NamespaceOptions, groups: readonly string[], net: Switch, init: number) {
    this.#options = options;
    this.#groups = groups;
    this.#switch = net;
    this.#init = init;
    this.#namespace = pidNamespace(init);
    this.runtime = `/proc/${init}/root/run/pants`;
    this.net = `/proc/${init}/net`;
  }

  /** Brings a host up, with its network, but with nothing running on it yet. */
  static async start(options: NamespaceOptions, net: Switch): Promise<Namespaces> {
    const { id, folder, name, limits, env } = options;
    const groups = makeCgroup(id, name, limits);
    const logFile = join(folder, name, "host.log");
    const log = openSync(logFile, "a");
    const init = ["sh", join(folder, "init"), name, folder, ...options.privateDirs];
    const unshare = ["unshare", "-m", "-u", "-i", "-n", "-p", "-f", "--mount-proc", "--kill-child", ...init];
    const outer = background(joining(groups, unshare), env, log);
    const pid = outer.pid;
    if (pid === undefined) throw new LabError(`${name}: cannot start unshare`);
    const failed = (): void => {
      if (outer.exitCode === null) return;
      throw new LabError(`${name} did not come up: ${readFileSync(logFile, "utf8").trim()}`);
    };
    const first = await until(`the first process of ${name}`, () => {
      failed();
      return children(pid)[0];
    });
    await until(`the mounts of ${name}`, () => {
      failed();
      return existsSync(join(folder, name, "up"));
    });
    net.plug(name, first, options.address);
    return new Namespaces(options, groups, net, first);
  }

  command(argv: readonly string[], cwd: string, env: Env): string[] {
    const nsenter = ["nsenter", "-t", String(this.#init), "-m", "-u", "-i", "-n", "-p"];
    return joining(this.#groups, [...nsenter, ...enterArgs(argv, cwd, env)]);
  }

  program(pid: number): number | undefined {
    return children(pid)[0];
  }

  pids(): number[] {
    return pidsInNamespace(this.#namespace);
  }

  async kill(): Promise<void> {
    this.link(false);
    killAll([this.#init]);
    await until(`${this.#options.name} to be dead`, () => this.pids().length === 0);
  }

  link(up: boolean): void {
    this.#switch.link(this.#options.name, up);
  }

  speed(mbit: number): void {
    this.#switch.speed(this.#options.name, this.#init, mbit);
  }

  cpuSeconds(): number {
    return cgroupCpuSeconds(this.#options.id, this.#options.name);
  }
}
