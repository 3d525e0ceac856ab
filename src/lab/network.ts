/** The network of a lab: one bridge in a namespace without a name, which is gone when its last process is. */
import type { ChildProcess } from "node:child_process";
import { readlinkSync } from "node:fs";
import { LabError, tool } from "./command.js";
import { until } from "./wait.js";

/** Cables end here. */
const GATEWAY = "10.77.255.254";

/** Address of the host with this index, from 0. */
export const addressOf = (index: number): string => `10.77.${(index + 1) >> 8}.${(index + 1) & 255}`;

/** Has iproute2's `ip` or `tc` do this in the network namespace of a process. @throws {LabError} */
function inside(pid: number, command: "ip" | "tc", lines: readonly string[]): void {
  tool("nsenter", ["-t", String(pid), "-n", command, "-batch", "-"], `${lines.join("\n")}\n`);
}

/**
 * A switch that snoops begins to do so once it has asked for a second who wants what, not for ten, and asks every second
 * at first; in version 3, in which no host keeps silent because it heard another.
 */
const SNOOPING = [
  "mcast_snooping 1 mcast_igmp_version 3 mcast_query_response_interval 100",
  "mcast_startup_query_interval 100 mcast_startup_query_count 20",
].join(" ");

/** A bridge with a cable to each host. */
export class Switch {
  readonly #pid: number;
  readonly #snooping: boolean;

  private constructor(pid: number, snooping: boolean) {
    this.#pid = pid;
    this.#snooping = snooping;
  }

  /**
   * @param keeper the process whose network namespace, soon another than ours, becomes the switch
   * @param snooping multicast goes only where it was asked for; else to all
   */
  static async start(keeper: ChildProcess, snooping = false): Promise<Switch> {
    const { pid } = keeper;
    if (pid === undefined) throw new LabError("the process that holds the lab's network did not start");
    const own = readlinkSync("/proc/self/ns/net");
    await until("the network of the lab", () => readlinkSync(`/proc/${pid}/ns/net`) !== own);
    inside(pid, "ip", [
      `link add br0 type bridge forward_delay 0 ${snooping ? SNOOPING : "mcast_snooping 0"}`,
      ...(snooping ? ["link set br0 type bridge mcast_querier 1"] : []),
      `addr add ${GATEWAY}/16 dev br0`,
      "link set br0 up",
    ]);
    return new Switch(pid, snooping);
  }

  /** Lays the cable to a host: its end there is eth0, and all the routes that a host on a network has. */
  plug(host: string, pid: number, address: string): void {
    inside(this.#pid, "ip", [
      `link add ${host} type veth peer name eth0 netns ${pid}`,
      `link set ${host} master br0`,
      ...(this.#snooping ? [`link set ${host} type bridge_slave fastleave on`] : []),
      `link set ${host} up`,
    ]);
    inside(pid, "ip", [
      "link set lo up",
      `addr add ${address}/16 dev eth0`,
      "link set eth0 up",
      "route add 224.0.0.0/4 dev eth0",
      `route add default via ${GATEWAY}`,
    ]);
  }

  /** Pulls a host's cable, or puts it in again. */
  link(host: string, up: boolean): void {
    inside(this.#pid, "ip", [`link set ${host} ${up ? "up" : "down"}`]);
  }

  /** Limits what a host's cable carries, Mbit/s, each way; at most some 10 ms of it wait. @throws {LabError} */
  speed(host: string, pid: number, mbit: number): void {
    const shape = `root tbf rate ${mbit}mbit burst 256kb latency 10ms`;
    inside(this.#pid, "tc", [`qdisc replace dev ${host} ${shape}`]);
    inside(pid, "tc", [`qdisc replace dev eth0 ${shape}`]);
  }
}
