/** What goes over a host's interface, datagram by datagram. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Host, Running } from "../../src/lab/host.js";
import { until } from "../../src/lab/wait.js";
import { typeName } from "../../src/wire/body.js";
import { PORT } from "./cluster.js";

export interface Seen {
  /** ms since 1970. */
  readonly at: number;
  readonly way: "in" | "out";
  readonly from: string;
  readonly to: string;
  /** What its header says it is. */
  readonly type: string;
  readonly data: Buffer;
}

/** In words, for a test that fails. */
export const words = ({ at, from, to, type, data }: Seen): string =>
  `${new Date(at).toISOString()} ${type} of ${data.length} bytes from ${from} to ${to}`;

function read(line: string): Seen {
  const [at = "", way = "in", from = "", to = "", hex = ""] = line.split(" ");
  const data = Buffer.from(hex, "hex");
  return { at: Number(at), way: way as Seen["way"], from, to, type: typeName(data[5] ?? 0) ?? "?", data };
}

/** Captures until it is stopped. */
export class Capture {
  readonly all: Seen[] = [];
  readonly #folder: string;
  readonly #running: Running;
  #ready = false;

  private constructor(host: Host) {
    this.#folder = mkdtempSync(join(tmpdir(), "pants-capture-"));
    const program = join(this.#folder, "capture");
    execFileSync("cc", ["-O2", "-o", program, join(import.meta.dirname, "probes", "capture.c")]);
    this.#running = host.start([program, "eth0", String(PORT)]);
    const { stdout } = this.#running.child;
    if (!stdout) throw new Error("no output to read");
    createInterface(stdout).on("line", (line) => {
      if (line === "ready") this.#ready = true;
      else this.all.push(read(line));
    });
  }

  static async start(host: Host): Promise<Capture> {
    const capture = new Capture(host);
    await until("the capture", () => capture.#ready);
    return capture;
  }

  async stop(): Promise<void> {
    await this.#running.kill("SIGKILL").catch(() => undefined);
    await this.#running.done;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
